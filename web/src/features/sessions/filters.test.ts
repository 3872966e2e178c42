import { describe, expect, it } from 'vitest'
import { active, asChosen, filterErrors, findsOpen, narrows, readID, readNetwork, toFilter } from './filters'

describe('readNetwork', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7/32'],
    [' 203.0.113.7/24 ', '203.0.113.0/24'],
    ['10.255.255.255/9', '10.128.0.0/9'],
    ['1.2.3.4/0', '0.0.0.0/0'],
    ['2001:DB8::1', '2001:db8::1/128'],
    ['2001:db8::/32', '2001:db8::/32'],
    ['2001:db8::1/32', '2001:db8::/32'],
    ['2001:DB8:0:0::/64', '2001:db8::/64'],
    ['2001:db8:0:1:0:0:0:ffff/112', '2001:db8:0:1::/112'],
    ['2001:db8:ffff::/33', '2001:db8:8000::/33'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201/128'],
    ['::1/0', '::/0'],
    ['::ffff:10.1.2.3/104', '10.0.0.0/8'],
  ])('%s is %s', (typed, range) => expect(readNetwork(typed)).toBe(range))

  it.each([
    '',
    'somewhere',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4/33',
    '1.2.3.4/',
    '1.2.3.4/8/8',
    '1.2.3.4/-1',
    '::1/129',
    '1::2::3',
    '1:2:3',
    'fe80::1%eth0',
    '::1]@x',
    '::ffff:10.1.2.3/90',
    '<b>:',
  ])('%s is none', (typed) => expect(readNetwork(typed)).toBeUndefined())
})

describe('toFilter', () => {
  it('asks for what was chosen, and for nothing else', () => {
    expect(toFilter(active)).toEqual({ status: 'active' })
    expect(toFilter({ user: '018F0000-0000-7000-8000-00000000000A', status: '', provider: 'siwe', device: ' Firefox ', network: '10.1.2.3/8', age: 'older_86400' })).toEqual({
      user_id: '018f0000-0000-7000-8000-00000000000a',
      provider: 'siwe',
      device: 'Firefox',
      network: '10.0.0.0/8',
      older_than: 86_400,
    })
    expect(toFilter({ ...active, age: 'newer_3600' })).toEqual({ status: 'active', newer_than: 3600 })
  })

  it('says what cannot be read, so that nothing is ended by a filter that lacks it', () => {
    const half = { ...active, network: '10.1', user: 'ann' }
    expect(toFilter(half)).toEqual({ status: 'active' })
    expect(filterErrors(half)).toEqual({ user: true, network: true })
    expect(filterErrors({ ...active, network: ' ', user: '' })).toEqual({ user: false, network: false })
  })
})

it('reads an address that anyone can have written', () => {
  const all = { user: 'x'.repeat(50), status: 'gone', provider: 'p'.repeat(90), device: 'd'.repeat(200), network: 'n'.repeat(90), age: 'older_1' }
  const read = asChosen(all)
  expect({ ...read, user: read.user.length, provider: read.provider.length, device: read.device.length, network: read.network.length }).toEqual({
    user: 36,
    status: 'active',
    provider: 64,
    device: 100,
    network: 50,
    age: '',
  })
  // What is typed is said to be wrong, and finds nothing in the meantime; what is chosen is one of the list, or none.
  expect(filterErrors(asChosen({ ...active, network: 'nowhere', user: 'ann' }))).toEqual({ user: true, network: true })
  expect(asChosen({ ...active, user: 'ann' }, false)).toEqual(active)
})

it('knows an id', () => {
  expect(readID(' 018f0000-0000-7000-8000-00000000000a ')).toBe('018f0000-0000-7000-8000-00000000000a')
  for (const none of ['', '018f0000', '018f0000-0000-7000-8000-00000000000g', 'x018f0000-0000-7000-8000-00000000000a']) expect(readID(none)).toBeUndefined()
})

it('what has ended or expired is not there to be ended', () => {
  expect([findsOpen({}), findsOpen({ status: 'active' }), findsOpen({ status: 'revoked' }), findsOpen({ status: 'expired' }), findsOpen({ status: 'refused' })]).toEqual([
    true,
    true,
    false,
    false,
    true,
  ])
})

it('a state alone narrows nothing that could be ended', () => {
  expect([narrows({}), narrows({ status: 'active' }), narrows({ status: 'active', device: 'Firefox' })]).toEqual([false, false, true])
})
