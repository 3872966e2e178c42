import { expect, test } from 'vitest'
import { Problem } from '../api/problem'
import { codeIn, tokenIn, wordsForLink, wordsForMailCode } from './email'

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
  const used = new Problem({ code: 'proof_used', status: 401 })
  expect(wordsForLink(used)?.text).toContain('code')
  expect(wordsForMailCode(used)?.text).toContain('new mail')
  expect(wordsForLink(new Problem({ code: 'rate_limited', status: 429 }))?.title).toBe('Too many attempts')
})
