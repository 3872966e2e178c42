import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { de } from '../../i18n/de'
import { en } from '../../i18n/en'
import { translator } from '../../i18n/translate'
import { actions, auditWhat, details, eventDetails, noAuditFilter, toAuditQuery, unreadable } from './audit'

const t = translator(de, 'de')

it('says and offers every action of the audit trail', () => {
  const source = readFileSync(new URL('../../../../identity/event.go', import.meta.url), 'utf8')
  const all = [...source.matchAll(/Action = "([a-z_.]+)"/g)].map((match) => match[1]!)
  expect(all.filter((action) => !actions.includes(action))).toEqual([])
  for (const action of all) {
    expect(auditWhat(t, { action, data: {} }), action).not.toContain(action)
    // In full, also where it is offered without a provider.
    expect(auditWhat(translator(en, 'en'), { action, data: {} }), action).toMatch(/^[A-Z].*[a-z]$/)
    expect(auditWhat(translator(en, 'en'), { action, data: {} }), action).not.toMatch(/ with$/)
  }
  expect(['identity.linked', 'session.created'].map((action) => auditWhat(t, { action, data: {} }))).toEqual(['Anmeldemethode hinzugefügt', 'Angemeldet'])
  expect(auditWhat(t, { action: 'identity.linked', data: { provider: 'github' } })).toContain('GitHub')
  expect(auditWhat(t, { action: 'moon.landed', data: { provider: 7 } })).toContain('moon.landed')
})

describe('the filter', () => {
  it('is not to be used while it asks for more than is meant', () => {
    expect(unreadable(noAuditFilter)).toBe(false)
    expect(unreadable({ ...noAuditFilter, user: ' 018F0000-0000-7000-8000-00000000000a ', ip: '::1' })).toBe(false)
    for (const half of [{ user: 'half' }, { actor: '018f' }, { team: 'xyz' }, { ip: '1' }]) expect(unreadable({ ...noAuditFilter, ...half })).toBe(true)
  })

  it('asks for nothing at first, and for what can be read later', () => {
    expect(toAuditQuery(noAuditFilter)).toEqual({})
    expect(
      toAuditQuery({
        action: 'member.added',
        user: 'half',
        actor: '018f0000-0000-7000-8000-00000000000a',
        team: '018f0000-0000-7000-8000-00000000000b',
        from: 'never',
        to: '2030-01-01T12:00',
        ip: ' ::1 ',
      }),
    ).toEqual({
      action: 'member.added',
      actor_id: '018f0000-0000-7000-8000-00000000000a',
      team_id: '018f0000-0000-7000-8000-00000000000b',
      to: new Date('2030-01-01T12:00').toISOString(),
      ip: '::1',
    })
  })
})

it('says what an event holds in words, and leaves what it does not know', () => {
  const said = (data: Record<string, unknown>) => eventDetails(t, data).map((of) => of.join(': '))
  expect(said({ before: 'member', role: 'owner' })).toEqual(['zuvor: Mitglied', 'Rolle: Eigentümer'])
  expect(said({ role: 'admin', left: false })).toEqual(['Rolle: Verwalter', 'von selbst gegangen: nein'])
  expect(said({ left: 9 })).toEqual(['Codes übrig: 9'])
  // The name of a team, and words that are none of the service's.
  expect(said({ before: 'admin', name: 'owner' })).toEqual(['zuvor: admin', 'Name: owner'])
  expect(said({ moon_phase: 'full', mail: '<b>', constructor: 'x', gains: [{ kind: 'role' }] })).toEqual([
    'moon phase: full',
    'E-Mail: <b>',
    'constructor: x',
    'gewonnene Rechte: [{"kind":"role"}]',
  ])
  expect(said({ providers: ['siwe', 'keycloak'], purpose: 'sign_in', by: 'command line' })).toEqual([
    'Anmeldemethoden: Ethereum-Wallet, Keycloak',
    'wofür: Anmeldung',
    'von: Kommandozeile',
  ])
  expect(said({ policy: { idle: 60, exclusive: true } })).toEqual(['Richtlinie: Ende nach Inaktivität von (Sekunden): 60, eine Sitzung je Mitglied: ja'])
  expect(said({ policy: { any_of: ['siwe', 'google'] } })).toEqual(['Richtlinie: eine dieser Anmeldemethoden: Ethereum-Wallet, Google'])
  expect(said({ long: 'a'.repeat(500) })[0]).toHaveLength(307)
})

it('has words for all that events of the service hold', () => {
  const sources = ['identity/user', 'identity/team', 'identity/session', 'identity/token', 'identity/apikey', 'identity/client', 'identity/webhook', 'linking'].flatMap(
    (folder) => {
      const at = new URL(`../../../../${folder}/`, import.meta.url)
      return readdirSync(at)
        .filter((name) => /(?<!_test)\.go$/.test(name))
        .map((name) => readFileSync(new URL(name, at), 'utf8'))
    },
  )
  const written = sources.join('').replaceAll(/\/\/.*/g, '')
  const inside = [...written.matchAll(/(?:identity\.Metadata|Data:\s*identity\.Metadata)\{([^}]*)\}/g)].flatMap((match) => [...match[1]!.matchAll(/"([a-z_]+)":/g)])
  const keys = new Set([...inside, ...written.matchAll(/\bData\["([a-z_]+)"\]/g)].map((match) => match[1]!))
  keys.delete('reason')
  expect(keys.size).toBeGreaterThan(35)
  const named = Object.keys(en.messages.details)
  for (const key of keys)
    expect(
      named.some((name) => name === key || name === `${key}_string` || name === `${key}_number`),
      key,
    ).toBe(true)
})

it('has words for every rule of a policy', () => {
  const source = readFileSync(new URL('../../../../identity/team/policy.go', import.meta.url), 'utf8')
  const rules = [...source.matchAll(/^\tRule\w+ +Rule = "([a-z_]+)"/gm)].map((match) => match[1]!)
  expect(rules.length).toBeGreaterThan(6)
  for (const rule of rules) expect(Object.keys(en.messages.details), rule).toContain(rule)
})

it('shows details as bounded text', () => {
  expect(details({ team_session_id: 'x', empty: '', none: null, list: [1, '<b>'] })).toEqual([
    ['team session id', 'x'],
    ['list', '[1,"<b>"]'],
  ])
  expect(details({ long: 'a'.repeat(500) })[0]![1]).toHaveLength(121)
})
