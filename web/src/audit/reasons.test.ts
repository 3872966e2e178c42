import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { de } from '../i18n/de'
import { translator } from '../i18n/translate'
import { reasonWords } from './reasons'

const t = translator(de, 'de')
const source = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

it('says every reason of a decision, and every hint of the import', () => {
  const decisions = ['linking/decide.go', 'linking/confirm.go'].flatMap((file) => [...source(file).matchAll(/Reason = "([a-z_]+)"/g)].map((match) => match[1]!))
  expect(decisions.length).toBeGreaterThan(10)
  const hints = [...source('internal/importer/keep.go').matchAll(/note\(\w+(?:\.id)?, "([^"]+)"\)/g)].map((match) => match[1]!)
  expect(hints).toHaveLength(3)
  for (const reason of [...decisions, ...hints, 'one user of authjs has identities of both']) expect(reasonWords(t, reason), reason).not.toBe(reason)
})

it('leaves what people wrote as it is', () => {
  for (const text of ['stolen laptop', 'constructor', '']) expect(reasonWords(t, text)).toBe(text)
})
