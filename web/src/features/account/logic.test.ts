import { describe, expect, it } from 'vitest'
import type { Email, Identity } from '../../api/types'
import { en } from '../../i18n/en'
import { translator } from '../../i18n/translate'
import { fieldName, valueText } from '../merge/merge-words'
import { endsThisSession, identityName, leavesWith, otherChains, unconfirmed, whyNotUnlink } from './methods'

const t = translator(en, 'en')
const way = (id: string, provider: string, more: Partial<Identity> = {}): Identity => ({
  id,
  provider,
  subject: id,
  label: '',
  created_at: '2030-01-01T00:00:00Z',
  last_used_at: '2030-01-01T00:00:00Z',
  ...more,
})

describe('why a sign-in method has to stay', () => {
  const offered = new Set(['google', 'siwe'])
  const [google, wallet, github] = [way('1', 'google'), way('2', 'siwe'), way('3', 'github')]
  it('is the last, or the last that is offered here', () => {
    expect(whyNotUnlink(google, [google], offered)).toBe('methods.only')
    expect(whyNotUnlink(google, [google, github], offered)).toBe('methods.onlyUsable')
    expect(whyNotUnlink(github, [google, github], offered)).toBeUndefined()
    expect(whyNotUnlink(google, [google, wallet], offered)).toBeUndefined()
    expect(whyNotUnlink(google, [google, github], new Set())).toBeUndefined()
  })
})

it('a contract wallet can be added where contracts are asked and it is not yet', () => {
  const chains = [1, 10, 8453].map((id) => ({ id, name: `chain ${id}`, contracts: id !== 10 }))
  const wallet = (chain_id: number, address: string, kind: 'eoa' | 'contract' = 'contract') =>
    way(`${chain_id}${address}`, 'siwe', { wallet: { address, chain_id, kind, primary: false } })
  const [safe, key] = [wallet(1, '0xa'), wallet(1, '0xb', 'eoa')]
  expect(otherChains(safe, [safe, key], chains).map(({ id }) => id)).toEqual([8453])
  expect(otherChains(safe, [safe, wallet(8453, '0xa')], chains)).toEqual([])
  expect(otherChains(safe, [safe, wallet(8453, '0xc')], chains).map(({ id }) => id)).toEqual([8453])
  expect(otherChains(key, [safe, key], chains)).toEqual([])
  expect(otherChains(way('3', 'google'), [], chains)).toEqual([])
  expect(otherChains(safe, [safe], undefined)).toEqual([])
})

describe('unlinking', () => {
  const [google, another, github] = [way('1', 'google'), way('2', 'google'), way('3', 'github')]
  it('ends the session at hand only if that was made with it', () => {
    const session = { methods: ['google', 'github'] }
    expect(endsThisSession(session, google, [google, github])).toBe('methods.unlinkThisSession')
    expect(endsThisSession(session, another, [google, another, github])).toBe('methods.unlinkMaybe')
    expect(endsThisSession(session, github, [google, github])).toBeUndefined()
    expect(endsThisSession({ methods: ['recovery', 'google'] }, google, [google])).toBeUndefined()
  })
})

describe('an address', () => {
  const email = (address: string, onlyBy?: string): Email => ({
    address,
    primary: false,
    source: 'google',
    verified_at: '2030-01-01T00:00:00Z',
    ...(onlyBy ? { only_by: onlyBy } : {}),
  })
  it('leaves with the only method that vouches for it', () => {
    const emails = [email('a@b.example', '1'), email('c@b.example'), email('d@b.example', '2')]
    expect(leavesWith(way('1', 'google'), emails)).toEqual(['a@b.example'])
    expect(leavesWith(way('3', 'github'), emails)).toEqual([])
  })
})

it('lists the addresses that are shown and not verified, once each', () => {
  const ways = [way('1', 'github', { email: 'a@b.example' }), way('2', 'google', { email: 'a@b.example' }), way('3', 'google', { email: 'c@d.example' }), way('4', 'siwe')]
  expect(unconfirmed(ways, [{ address: 'c@d.example' }])).toEqual([{ address: 'a@b.example', provider: 'github' }])
  expect(unconfirmed(ways, [{ address: 'a@b.example' }, { address: 'c@d.example' }])).toEqual([])
})

describe('words', () => {
  it('tell one sign-in method from another', () => {
    expect(identityName(t, way('1', 'google', { email: 'a@b.example' }))).toBe('Google (a@b.example)')
    expect(identityName(t, way('1', 'google', { email: 'a@b.example', label: 'Work' }))).toBe('Google (Work)')
    expect(identityName(t, way('1', 'github'))).toBe('GitHub')
  })

  it('show what two accounts differ in as text, whatever it is', () => {
    expect(fieldName(t, 'display_name')).toBe('Name')
    expect(fieldName(t, 'metadata.plan')).toBe('Application data: plan')
    expect(fieldName(t, 'metadata')).toContain('too large')
    expect(fieldName(t, 'constructor')).toBe('Application data: constructor')
    expect([null, '', undefined].map((value) => valueText(t, value))).toEqual(['empty', 'empty', 'empty'])
    expect(valueText(t, { a: [1] })).toBe('{"a":[1]}')
    expect(valueText(t, 'x'.repeat(500))).toHaveLength(201)
  })
})
