import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { de } from '../../i18n/de'
import { translator } from '../../i18n/translate'
import { reasonWords } from './reasons'

const t = translator(de, 'de')
const source = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8')

it('says every reason of a decision, and every hint of the import', () => {
  const decisions = ['linking/decide.go', 'linking/link_ticket.go'].flatMap((file) => [...source(file).matchAll(/Reason = "([a-z_]+)"/g)].map((match) => match[1]!))
  expect(decisions.length).toBeGreaterThan(10)
  const hints = [
    ...source('internal/importer/keep.go').matchAll(/note\([*\w.]+, "([^"]+)"\)|DuplicateHint, "([^"]+)"/g),
    ...source('storage/imports.go').matchAll(/"reason": *"([a-z_]+)"/g),
  ].map((match) => match[1] ?? match[2]!)
  expect(hints).toHaveLength(5)
  const endings = [
    'identity/session/service.go',
    'identity/session/revoke.go',
    'identity/teamsession/enter.go',
    'identity/teamsession/policy.go',
    'identity/teamsession/revoke.go',
    'identity/token/refresh.go',
    'identity/token/keyring.go',
  ].flatMap((file) =>
    [...source(file).matchAll(/(?:end|endTeamSessions|rotate|event)\(.*, "([a-z_ ]+)"|"reason": *"([a-z_]+)"|reason = "([a-z_]+)"|EndedByPolicy = "(\w+)"/g)].flatMap((match) =>
      match.slice(1).filter(Boolean),
    ),
  )
  expect(endings.length).toBeGreaterThan(12)
  const sharedAccount = 'both have the same google account in better-auth, where they are the users "a" and "b"'
  expect(reasonWords(t, sharedAccount)).toMatch(/google.*better-auth.*"a".*"b"/)
  for (const reason of [...decisions, ...endings, ...hints, 'one user of authjs has identities of both', sharedAccount]) expect(reasonWords(t, reason), reason).not.toBe(reason)
})

it('leaves what people wrote as it is', () => {
  for (const text of ['stolen laptop', 'constructor', '']) expect(reasonWords(t, text)).toBe(text)
})
