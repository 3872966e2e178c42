import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { de } from '../../i18n/de'
import { translator } from '../../i18n/translate'
import { checked, resultWords } from './health-words'

const t = translator(de, 'de')

it('says what the service tells of itself', () => {
  const source = readFileSync(new URL('../../../../api/health.go', import.meta.url), 'utf8')
  const down = /"(down: [^"]+)"/.exec(source)![1]!
  expect(source).toContain('"%d of %d endpoints answer"')
  for (const result of ['ok', down, '1 of 3 endpoints answer']) expect(resultWords(t, result)).not.toBe(result)
  expect(resultWords(t, '1 of 3 endpoints answer')).toMatch(/1.*3/)
  expect(checked(t, 'ethereum_rpc_8453')).toContain('8453')
  expect(checked(t, 'database')).not.toBe('database')
  expect([checked(t, 'moon'), resultWords(t, 'full')]).toEqual(['moon', 'full'])
})
