import { expect, test } from 'vitest'
import { Problem } from '../../api/problem'
import { en } from '../../i18n/en'
import { translator } from '../../i18n/translate'
import { codeIn, mayWorkLater, tokenIn, wordsForMail } from './email'

test('the token is read from the fragment alone', () => {
  expect(tokenIn('#email_token=abc-_1')).toBe('abc-_1')
  expect(tokenIn('')).toBeUndefined()
  expect(tokenIn('#email_token=')).toBeUndefined()
  expect(tokenIn('#other=abc')).toBeUndefined()
  expect(tokenIn('#email_token=' + 'x'.repeat(129))).toBeUndefined()
})

test('a code may be pasted with spaces', () => {
  expect(codeIn(' 123 456\n')).toBe('123456')
  expect(codeIn('1234567')).toBe('123456')
})

test('a stale link points to the code, a wrong code to a new mail', () => {
  const t = translator(en, 'en')
  const used = new Problem({ code: 'proof_used', status: 401 })
  expect(wordsForMail(t, 'link', used)?.text).toContain('code')
  expect(wordsForMail(t, 'code', used)?.text).toContain('new email')
  expect(wordsForMail(t, 'link', new Problem({ code: 'rate_limited', status: 429 }))?.title).toBe('Too many attempts')
})

test('a link can be tried again after a failure that was not its own', () => {
  expect([0, 429, 503].map((status) => mayWorkLater(new Problem({ code: 'x', status })))).toEqual([true, true, true])
  expect([401, 409].map((status) => mayWorkLater(new Problem({ code: 'x', status })))).toEqual([false, false])
})
