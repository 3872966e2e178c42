import { describe, expect, it } from 'vitest'
import type { TeamPolicy } from '../../api/types'
import { fromSpan, readForm, samePolicy, toForm, toSpan } from './policy-form'

const open: TeamPolicy = { required_providers: [], allowed_networks: [], exclusive: false, require_fresh_for_admin: false }

describe('a length of time', () => {
  it.each([
    [86_400, '1', 'days'],
    [5400, '90', 'minutes'],
    [7200, '2', 'hours'],
    [90, '1.5', 'minutes'],
  ] as const)('of %i seconds is %s %s, and back', (seconds, number, unit) => {
    expect(toSpan(seconds)).toEqual({ number, unit })
    expect(fromSpan({ number, unit })).toBe(seconds)
  })

  it('may be left out, and is refused otherwise', () => {
    expect(fromSpan(toSpan(undefined))).toBeUndefined()
    for (const number of ['0', '-1', 'ten', '1e9', '1,5', 'Infinity']) expect(fromSpan({ number, unit: 'hours' }), number).toBeNull()
  })
})

describe('the form', () => {
  it('gives back the policy it was made of', () => {
    const policy: TeamPolicy = { max_age: 43_200, idle: 1800, required_providers: ['github', 'siwe'], allowed_networks: ['10.0.0.0/8', '2001:db8::/32'], exclusive: true, require_fresh_for_admin: true }
    const read = readForm(toForm(policy))
    expect(read).toEqual({ wrong: {}, policy })
    expect(samePolicy(read.policy!, policy)).toBe(true)
    expect(readForm(toForm(open))).toEqual({ wrong: {}, policy: open })
  })

  it('makes ranges canonical and takes each once', () => {
    expect(readForm({ ...toForm(open), networks: '10.9.9.9/8\n\n 10.0.0.0/8 \n192.0.2.1' }).policy?.allowed_networks).toEqual(['10.0.0.0/8', '192.0.2.1/32'])
  })

  it('says every field that is wrong, and makes no policy then', () => {
    const form = { ...toForm(open), maxAge: { number: 'x', unit: 'days' as const }, networks: 'somewhere' }
    expect(readForm(form)).toEqual({ wrong: { maxAge: true, networks: true } })
  })
})

it('two policies are the same in any order, and not when a rule differs', () => {
  expect(samePolicy({ ...open, required_providers: ['a', 'b'] }, { ...open, required_providers: ['b', 'a'] })).toBe(true)
  for (const other of [{ max_age: 1 }, { idle: 60 }, { exclusive: true }, { require_fresh_for_admin: true }, { allowed_networks: ['::/0'] }]) {
    expect(samePolicy(open, { ...open, ...other })).toBe(false)
  }
})
