import { verifyMessage } from 'viem'
import { describe, expect, it } from 'vitest'
import { addTestWallet, asWallet, readTestWallets } from './test-wallet'

function memory(initial?: string) {
  let value: string | null = initial ?? null
  return {
    getItem: () => value,
    setItem: (_: string, next: string) => {
      value = next
    },
  }
}

describe('test wallet', () => {
  it('signs what viem verifies', async () => {
    const test = await addTestWallet(memory())
    const wallet = asWallet(test)
    const address = (await wallet.connect()) as `0x${string}`
    const message = 'localhost:8080 wants you to sign in: ünïcödé\n\nnewlines too'
    const signature = (await wallet.sign(message, address, '2026-03-01T12:10:00Z')) as `0x${string}`
    expect(await verifyMessage({ address, message, signature })).toBe(true)
    expect(await verifyMessage({ address, message: message + ' ', signature })).toBe(false)
  })

  it('keeps several, each another person, in the order they were made', async () => {
    const storage = memory()
    const first = await addTestWallet(storage)
    const second = await addTestWallet(storage)
    expect(first.address).not.toBe(second.address)
    expect(readTestWallets(storage)).toEqual([first, second])
    expect(second.name).toBe('Test wallet 2')
  })

  it.each(['', 'null', '{"a":1}', '[1,null,{"name":"x"}]', 'not json'])('reads damaged storage as empty: %s', (stored) => {
    expect(readTestWallets(memory(stored))).toEqual([])
  })
})
