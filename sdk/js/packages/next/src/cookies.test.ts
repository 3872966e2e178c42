import { expect, test } from 'vitest'
import { candidates, cookieNames, jarOf, serialize, withWrites, writeCookie } from './cookies.js'

const jar = (header = '') => jarOf(header)
const after = (header: string, value: string | null) => withWrites(header, writeCookie(jar(header), 's', value, true, 60)!)

test('a short value is one cookie, a long one is chunks that browsers take', () => {
  for (const length of [1, 3800, 3801, 12_000]) {
    const value = 'x'.repeat(length)
    const writes = writeCookie(jar(), 's', value, true, 60)!
    for (const write of writes) expect(serialize(write).length).toBeLessThanOrEqual(4096)
    expect(candidates(jar(withWrites(null, writes)), 's')).toEqual([value])
  }
  expect(writeCookie(jar(), 's', 'x'.repeat(40_000), true, 60)).toBeUndefined()
})

test('what a value had before is gone, whatever its length', () => {
  const values = ['a'.repeat(9000), 'b', 'c'.repeat(5000), 'd'.repeat(12_000)]
  let header = 'other=1'
  for (const value of values) {
    header = after(header, value)
    expect(candidates(jar(header), 's')).toEqual([value])
  }
  expect(after(header, null)).toBe('other=1')
})

test('cookies of others with a similar name stay', () => {
  expect(after('s=1; s.0=2; s.x=3; st=4; s-sign-in-a=5', null)).toBe('s.x=3; st=4; s-sign-in-a=5')
})

test('of a name that is there twice the first counts', () => {
  expect(candidates(jar('s=one; s=two'), 's')).toEqual(['one'])
})

test('__Host- on https, the plain name on http', () => {
  expect(cookieNames('s', 'https://app.example.com')).toEqual({ session: '__Host-s', signIn: '__Host-s-sign-in', secure: true })
  expect(cookieNames('s', 'http://localhost:3000')).toEqual({ session: 's', signIn: 's-sign-in', secure: false })
  const [write] = writeCookie(jar(), '__Host-s', 'v', true, 60)!
  expect(serialize(write!)).toBe('__Host-s=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure')
})
