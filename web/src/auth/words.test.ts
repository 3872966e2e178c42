import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { OFFLINE, Problem, toProblem } from '../api/problem'
import { en } from '../i18n/en'
import { translator } from '../i18n/translate'
import { Declined, WalletFault } from '../wallet/types'
import { wordsForCode as forCode, wordsForError as forError } from './words'

const t = translator(en, 'en')
const wordsForCode = (code: string, purpose?: 'link') => forCode(t, code, purpose)
const wordsForError = (error: unknown) => forError(t, error)

const source = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

// Every code of the table that problem documents come from, but those that only
// programs meet: clients with keys or grants, and requests this app never makes.
const forPrograms = [
  'invalid_scope',
  'invalid_target',
  'unsupported_grant_type',
  'invalid_grant',
  'authorization_pending',
  'slow_down',
  'expired_token',
  'invalid_client',
  'unauthorized_client',
  'insufficient_scope',
  'events_expired',
  'webhook_disabled',
  'too_many_webhooks',
  'method_not_allowed',
  'begin_by_post',
  'unsupported_media_type',
]
const table = source('api/problem.go') + source('api/limits.go')
const spelling = new Map(
  [...(table + source('identity/errors.go')).matchAll(/\b([Cc]ode[A-Z]\w+)\s+(?:identity\.Code|Code)?\s*=\s*"(\w+)"/g)].map((match) => [match[1]!, match[2]!]),
)
const statuses = table.slice(table.indexOf('var statuses'))
const codes = [...statuses.slice(0, statuses.indexOf('\n}\n')).matchAll(/^\t(?:identity\.)?(\w+):/gm)]
  .map((match) => spelling.get(match[1]!) ?? match[1]!)
  .filter((code) => !forPrograms.includes(code))

describe('words', () => {
  it('is asked about every code', () => {
    expect(codes.length).toBeGreaterThan(35)
    expect(codes).toContain('rate_limited')
    expect(codes.filter((code) => !/^[a-z_]+$/.test(code))).toEqual([])
  })

  it.each(codes)('says what to do about %s', (code) => {
    const unknown = wordsForCode('no_such_code')
    expect(wordsForCode(code).title).not.toBe(unknown.title)
    expect(wordsForCode(code).text.length).toBeGreaterThan(10)
  })

  it('does not repeat a code that anybody wrote into the address', () => {
    const words = wordsForCode('<script>alert(1)</script> call 555-0100')
    expect(JSON.stringify(words)).not.toMatch(/script|555/)
    expect(wordsForCode('constructor').title).toBe(wordsForCode('no_such_code').title)
  })

  it('does not tell someone who is linking to sign in', () => {
    expect(wordsForCode('email_taken', 'link').text).not.toBe(wordsForCode('email_taken').text)
    expect(wordsForCode('identity_taken', 'link')).toEqual(wordsForCode('identity_taken'))
  })

  it('is silent when the person declined', () => {
    expect(wordsForError(new Declined())).toBeUndefined()
  })

  it('says what is wrong with a wallet', () => {
    expect(wordsForError(new WalletFault('Busy'))?.text).toMatch(/open request/)
  })

  it('says when it may work again', () => {
    expect(wordsForError(new Problem({ code: 'unavailable', status: 503, retry_after: 7 }))?.text).toContain('7 seconds')
  })

  it('names the sign-in methods that a team asks for', () => {
    expect(wordsForError(new Problem({ code: 'policy_unsatisfied', status: 403, rule: 'required_providers', missing: ['github', 'siwe'] }))?.text).toContain(
      'Missing: GitHub, Ethereum wallet.',
    )
  })

  it('says of every rule of a team what to do about it, and warns those who would lock themselves out', () => {
    const rules = [...source('identity/team/policy.go').matchAll(/\bRule\w+ +Rule = "(\w+)"/g)].map((match) => match[1]!)
    expect(rules).toContain('allowed_networks')
    const refused = (rule: string) => new Problem({ code: 'policy_unsatisfied', status: 403, rule })
    expect(new Set([...rules, 'to come'].map((rule) => wordsForError(refused(rule))?.title)).size).toBe(rules.length + 1)
    expect(forError(t, refused('max_age'), 'policy')).toEqual({
      title: 'You would lock yourself out',
      text: expect.stringMatching(/only an owner can save.*Sign in again\.$/) as string,
    })
    expect(forError(t, refused('require_fresh_for_admin'), 'policy')).toEqual(wordsForError(refused('require_fresh_for_admin')))
  })

  it('passes on what prevents an undo', () => {
    const { text } = wordsForError(new Problem({ code: 'merge_moved_on', status: 409, detail: 'the wallet was unlinked' }))!
    expect(text).toContain('the wallet was unlinked')
    expect(text).toContain('add it again')
  })

  it('names the right address of a page opened at another', () => {
    const { title, text } = wordsForError(new Problem({ code: 'origin_not_allowed', status: 403, detail: 'open Latchkey at http://localhost:8080' }))!
    expect(title).toContain('wrong address')
    expect(text).toContain('http://localhost:8080')
  })

  it('shows the detail of a refusal it does not know', () => {
    expect(wordsForError(new Problem({ code: 'new_code', status: 422, detail: 'too many cats' }))?.text).toContain('too many cats')
  })

  it('has words for a lost connection and for surprises', () => {
    expect(wordsForError(new Problem({ code: OFFLINE, status: 0 }))?.title).toMatch(/can’t be reached/)
    expect(wordsForError(new TypeError('x is not a function'))?.text).not.toContain('function')
  })

  it('shows nothing of a page that a proxy put in between', () => {
    const problem = toProblem('<html>Bad gateway at 10.0.0.7</html>', new Response(null, { status: 502 }))
    expect(problem.status).toBe(502)
    expect(JSON.stringify(wordsForError(problem))).not.toContain('10.0.0.7')
  })
})
