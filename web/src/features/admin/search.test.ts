import { expect, it } from 'vitest'
import { isASCII, readSearch } from './search'

it('tells ids, wallets, addresses and names apart, and nothing else', () => {
  const wallet = '0x' + 'aB'.repeat(20)
  expect(readSearch(' 018F0000-0000-7000-8000-00000000000a')).toEqual({ id: '018f0000-0000-7000-8000-00000000000a' })
  expect(readSearch(wallet)).toEqual({ wallet })
  expect(readSearch('ann@example.com ')).toEqual({ email: 'ann@example.com' })
  expect(readSearch(' vitalik.eth')).toEqual({ ens_name: 'vitalik.eth' })
  expect(readSearch('a.b.Example.ETH')).toEqual({ ens_name: 'a.b.Example.ETH' })
  for (const part of ['ann', 'example.com', 'ann.', '.eth', 'a..eth', 'ann smith.eth', '0x12', 'a@b@c']) expect(readSearch(` ${part}`), part).toEqual({ search: part })
  for (const none of ['', ' ', 'a', '.']) expect(readSearch(none), none).toBeUndefined()
})

it('knows names that cannot be looked up', () => {
  expect(isASCII('vitalik.eth')).toBe(true)
  for (const other of ['vitálik.eth', '\u212aate.eth', '👻.eth']) expect(isASCII(other), other).toBe(false)
})
