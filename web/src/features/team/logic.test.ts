import { describe, expect, it } from 'vitest'
import type { Identity } from '../../api/types'
import { personName } from '../../components/show'
import { daysLeft, exactTime, relativeTime } from '../../components/time'
import { en } from '../../i18n/en'
import { translator } from '../../i18n/translate'
import { shortAddress } from '../../wallet/types'
import { readInvitee, readInvitees } from './invitee'
import { assignable, lowers, mayActOn, roleQuestion } from './roles'

describe('time', () => {
  const now = new Date('2030-01-01T12:00:00Z')
  it.each([
    ['2030-01-01T11:59:30Z', 'just now'],
    ['2030-01-01T12:00:20Z', 'just now'],
    ['2030-01-01T11:58:00Z', '2 minutes ago'],
    ['2030-01-01T11:58:40Z', '1 minute ago'],
    ['2030-01-01T10:01:00Z', '119 minutes ago'],
    ['2030-01-01T09:01:00Z', '3 hours ago'],
    ['2029-12-30T13:00:00Z', '47 hours ago'],
    ['2029-12-30T11:00:00Z', '2 days ago'],
    ['2030-01-15T11:59:50Z', 'in 14 days'],
    ['2030-01-31T12:00:00Z', 'in 30 days'],
    ['2030-03-01T12:00:00Z', 'in 59 days'],
    ['2030-03-17T12:00:00Z', 'in 3 months'],
    ['2028-07-01T12:00:00Z', '18 months ago'],
    ['2027-01-01T12:00:00Z', '3 years ago'],
    ['nonsense', ''],
  ])('%s is %s', (then, said) => {
    expect(relativeTime(new Date(then), now, 'en', 'just now')).toBe(said)
  })

  it('is exact in the zone of the reader, and names it', () => {
    expect(exactTime(now, 'en-GB', 'Asia/Tokyo')).toMatch(/1 January 2030.*21:00:00 GMT\+9/)
    expect(exactTime(new Date('nonsense'), 'en')).toBe('')
  })
})

it('counts begun days as left', () => {
  const now = new Date('2030-01-01T12:00:00Z')
  const at = (iso: string) => daysLeft(new Date(iso), now)
  expect([at('2030-01-31T12:00:00Z'), at('2030-01-02T11:00:00Z'), at('2030-01-01T12:00:01Z'), at('2030-01-01T12:00:00Z'), at('2029-01-01T00:00:00Z')]).toEqual([30, 1, 1, 0, 0])
})

describe('roles', () => {
  it('let admins act below owners, and owners on everyone', () => {
    expect([mayActOn('admin', 'owner'), mayActOn('admin', 'admin'), mayActOn('member', 'member'), mayActOn('owner', 'owner')]).toEqual([false, true, false, true])
    expect(assignable('admin')).not.toContain('owner')
  })

  it('are asked about before what one cannot undo alone', () => {
    expect([roleQuestion('member', 'owner', false), roleQuestion('owner', 'admin', false), roleQuestion('admin', 'member', true), roleQuestion('owner', 'member', true)]).toEqual([
      'Owner',
      'Unmade',
      'Self',
      'Self',
    ])
    expect([roleQuestion('member', 'admin', false), roleQuestion('admin', 'member', false)]).toEqual([undefined, undefined])
    expect([lowers('admin', 'member'), lowers('owner', 'admin'), lowers('member', 'admin'), lowers('admin', 'admin')]).toEqual([true, true, false, false])
  })
})

describe('personName', () => {
  const t = translator(en, 'en')
  const bare = { id: '0193-abcdef', display_name: ' ', primary_email: null }
  const way = (primary: boolean) => ({ wallet: { address: (primary ? '0x12' : '0x34') + '00'.repeat(19), primary } }) as Identity
  it.each([
    [{ ...bare, display_name: 'Ada', primary_email: 'a@b.example' }, 'Ada'],
    [{ ...bare, primary_email: 'a@b.example', primary_wallet: '0x' + '12'.repeat(20) }, 'a@b.example'],
    [{ ...bare, primary_wallet: '0x' + '12'.repeat(20) }, '0x1212…1212'],
    [{ ...bare, identities: [way(false), way(true)] }, '0x1200…0000'],
    [{ ...bare, identities: [way(false)] }, 'User abcdef'],
    [bare, 'User abcdef'],
  ])('of %j is %s', (user, name) => {
    expect(personName(t, user)).toBe(name)
  })
})

it('reads many invitees, each once, or says which is none', () => {
  const wallet = '0x' + 'aB'.repeat(20)
  expect(readInvitees(` a@b.example, c@d.example;\n<e@f.example>\n${wallet} a@b.example `)).toEqual({
    invitees: [{ email: 'a@b.example' }, { email: 'c@d.example' }, { email: 'e@f.example' }, { wallet }],
  })
  expect(readInvitees('a@b.example, nobody')).toEqual({ invitees: [], wrong: 'nobody' })
  expect(readInvitees(Array.from({ length: 101 }, (_, i) => `p${i}@b.example`).join(' '))).toEqual({ invitees: [], tooMany: 101 })
  expect(readInvitees(Array.from({ length: 100 }, (_, i) => `p${i}@b.example`).join(' ')).invitees).toHaveLength(100)
  expect(readInvitees(' \n ')).toEqual({ invitees: [] })
})

describe('readInvitee', () => {
  const address = '0x' + 'aB'.repeat(20)
  it('tells addresses apart', () => {
    expect(readInvitee(` ${address} `)).toEqual({ wallet: address })
    expect(readInvitee('ann@example.com')).toEqual({ email: 'ann@example.com' })
    for (const neither of ['', 'ann', '0x12', 'a b@c', '@', 'a@b@c']) expect(readInvitee(neither)).toBeUndefined()
  })
})

it('shortens addresses and leaves the rest alone', () => {
  expect(shortAddress('0x' + '12'.repeat(20))).toBe('0x1212…1212')
  expect(shortAddress('vitalik.eth')).toBe('vitalik.eth')
})
