import { expect, it } from 'vitest'
import { untilOneExpires } from './expiry'

it('is when the first active session expires, in the time of a timer and never at once again', () => {
  const now = Date.parse('2030-01-01T12:00:00Z')
  const at = (status: string, seconds: number, idle: number) => ({
    status,
    expires_at: new Date(now + seconds * 1000).toISOString(),
    idle_expires_at: new Date(now + idle * 1000).toISOString(),
  })
  expect(untilOneExpires([], now)).toBeUndefined()
  expect(untilOneExpires([at('expired', -5, 5), at('revoked', 5, 5)], now)).toBeUndefined()
  expect(untilOneExpires([at('active', 90, 60), at('active', 70, 80), at('expired', 1, 1)], now)).toBe(61_000)
  expect(untilOneExpires([at('active', 40, 60)], now)).toBe(41_000)
  expect(untilOneExpires([at('active', -1, 60)], now)).toBe(30_000)
  expect(untilOneExpires([at('active', -100, 60)], now)).toBe(100_000)
  expect(untilOneExpires([at('active', 86_400 * 90, 86_400 * 90)], now)).toBe(2 ** 31 - 1)
})
