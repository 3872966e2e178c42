import { describe, expect, it } from 'vitest'
import { OFFLINE, Problem, toProblem } from '../api/problem'
import { Declined, WalletFault } from '../wallet/types'
import { en } from '../i18n/en'
import { translator } from '../i18n/translate'
import { wordsForCode as forCode, wordsForError as forError } from './words'

const t = translator(en, 'en')
const wordsForCode = (code: string, purpose?: 'link') => forCode(t, code, purpose)
const wordsForError = (error: unknown) => forError(t, error)

// The codes that package identity declares and that a person can run into here.
const codes = [
  'identity_taken', 'email_taken', 'identity_mismatch', 'reauth_required', 'access_denied', 'invalid_state', 'invalid_proof', 'proof_used',
  'provider_unavailable', 'provider_failed', 'provider_not_configured', 'user_disabled', 'unauthenticated', 'forbidden', 'operator_required',
  'not_found', 'invalid_return_to', 'invalid_email', 'last_identity', 'last_owner', 'already_member', 'already_invited', 'invitation_closed', 'unavailable', 'rate_limited',
  'policy_unsatisfied', 'recovery_restricted', 'ticket_invalid', 'merge_changed', 'merge_moved_on', 'merge_refused', 'no_verified_address',
  'team_session_required', 'invalid_message', 'invalid_request', 'internal',
]

describe('words', () => {
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
    expect(wordsForError(new WalletFault('Busy'))?.text).toMatch(/open already/)
  })

  it('says when it may work again', () => {
    expect(wordsForError(new Problem({ code: 'unavailable', status: 503, retry_after: 7 }))?.text).toContain('7 seconds')
  })

  it('names the ways in that a team asks for', () => {
    expect(wordsForError(new Problem({ code: 'policy_unsatisfied', status: 403, missing: ['github', 'siwe'] }))?.text).toContain('GitHub, Ethereum wallet')
  })

  it('passes on what stands in the way of an undo', () => {
    expect(wordsForError(new Problem({ code: 'merge_moved_on', status: 409, detail: 'the wallet was unlinked' }))?.text).toContain('the wallet was unlinked')
  })

  it('shows the detail of a refusal it does not know', () => {
    expect(wordsForError(new Problem({ code: 'new_code', status: 422, detail: 'too many cats' }))?.text).toContain('too many cats')
  })

  it('has words for a lost connection and for surprises', () => {
    expect(wordsForError(new Problem({ code: OFFLINE, status: 0 }))?.title).toMatch(/does not answer/)
    expect(wordsForError(new TypeError('x is not a function'))?.text).not.toContain('function')
  })

  it('shows nothing of a page that a proxy put in between', () => {
    const problem = toProblem('<html>Bad gateway at 10.0.0.7</html>', new Response(null, { status: 502 }))
    expect(problem.status).toBe(502)
    expect(JSON.stringify(wordsForError(problem))).not.toContain('10.0.0.7')
  })
})
