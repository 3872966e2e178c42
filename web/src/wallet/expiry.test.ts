import { describe, expect, it, vi } from 'vitest'
import { expiryUntil, signUntil } from './expiry'
import { WalletFault } from './types'

const address = '0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B'
const hours = 60 * 60 * 1000
const inHours = (n: number) => new Date(Date.now() + n * hours).toISOString()

function connected(request: (...args: unknown[]) => unknown, accounts: readonly `0x${string}`[] = [address]) {
  return { getAccounts: async () => accounts, getProvider: async () => ({ request }) }
}

describe('a wallet on another device', () => {
  it('can answer as long as the challenge lasts', async () => {
    const request = vi.fn(async (..._: unknown[]) => '0xsigned')
    expect(await signUntil(connected(request), 'é\n', address.toLowerCase(), inHours(12))).toBe('0xsigned')
    const [call, expiry] = request.mock.calls[0]!
    expect(call).toEqual({ method: 'personal_sign', params: ['0xc3a90a', address.toLowerCase()] })
    expect(expiry).toBeGreaterThan(12 * 3600 - 60)
    expect(expiry).toBeLessThanOrEqual(12 * 3600)
  })

  it.each([
    ['10 minutes', 10 * 60, 600],
    ['a part of a second', 600.2, 601],
    ['less than WalletConnect takes', 20, 300],
    ['the past', -3600, 300],
    ['more than WalletConnect takes', 30 * 24 * 3600, 7 * 24 * 3600],
  ])('%s', (_, seconds, want) => {
    const now = Date.parse('2026-03-01T12:00:00Z')
    expect(expiryUntil(new Date(now + seconds * 1000).toISOString(), now)).toBe(want)
  })

  it('is asked by no other account than the one that was connected', async () => {
    const request = vi.fn()
    await expect(signUntil(connected(request, [`0x${'1'.repeat(40)}`]), 'text', address, inHours(1))).rejects.toEqual(new WalletFault('Another'))
    await expect(signUntil(connected(request), 'text', 'ada', inHours(1))).rejects.toEqual(new WalletFault('Another'))
    expect(request).not.toHaveBeenCalled()
  })

  it('fails with an answer that is no signature', async () => {
    const broken = connected(async () => null)
    await expect(signUntil(broken, 'text', address, inHours(1))).rejects.toEqual(new WalletFault('Failed'))
  })
})
