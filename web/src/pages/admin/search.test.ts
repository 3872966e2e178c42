import { expect, it } from 'vitest'
import { readSearch } from './search'

it('tells ids, wallets and addresses apart, and nothing else', () => {
  const wallet = '0x' + 'aB'.repeat(20)
  expect(readSearch(' 018F0000-0000-7000-8000-00000000000a')).toEqual({ id: '018f0000-0000-7000-8000-00000000000a' })
  expect(readSearch(wallet)).toEqual({ wallet })
  expect(readSearch('ann@example.com ')).toEqual({ email: 'ann@example.com' })
  for (const none of ['', 'ann', 'vitalik.eth', '0x12', 'a@b@c']) expect(readSearch(none), none).toBeUndefined()
})
