import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { TeamPolicy } from '../../api/types'
import { fromSpan, limits, readDifferently, readForm, samePolicy, toForm, toSpan, withPreset } from './policy-form'

const open: TeamPolicy = { required_providers: [], any_of: [], allowed_networks: [], exclusive: false, require_fresh_for_admin: false }

describe('a length of time', () => {
  it.each([
    [86_400, '1', 'days'],
    [5400, '90', 'minutes'],
    [7200, '2', 'hours'],
    [90, '1.5', 'minutes'],
  ] as const)('of %i seconds is %s %s, and back', (seconds, number, unit) => {
    expect(toSpan(seconds)).toEqual({ number, unit })
    expect(fromSpan({ number, unit }, limits.maxAge)).toBe(seconds)
  })

  it('may be left out, and is refused otherwise', () => {
    expect(fromSpan(toSpan(undefined), limits.maxAge)).toBeUndefined()
    for (const number of ['-1', 'ten', '1e9', '1,5', 'Infinity']) expect(fromSpan({ number, unit: 'hours' }, limits.maxAge), number).toBe('number')
  })

  it('is one that the service takes', () => {
    const contract = readFileSync(new URL('../../../../api/openapi.yaml', import.meta.url), 'utf8')
    for (const [schema, { least, most }] of [
      ['PolicyMaxAge', limits.maxAge],
      ['PolicyIdle', limits.idle],
    ] as const)
      expect(contract).toContain(`${schema}: { type: integer, minimum: ${least}, maximum: ${most},`)
    expect(fromSpan({ number: '366', unit: 'days' }, limits.maxAge)).toBe(31_622_400)
    expect(fromSpan({ number: '99999', unit: 'hours' }, limits.maxAge)).toBe('long')
    expect(fromSpan({ number: '0', unit: 'hours' }, limits.maxAge)).toBe('short')
    expect(fromSpan({ number: '0.5', unit: 'minutes' }, limits.maxAge)).toBe(30)
    expect(fromSpan({ number: '0.5', unit: 'minutes' }, limits.idle)).toBe('short')
  })
})

describe('the form', () => {
  it('gives back the policy it was made of', () => {
    const policy: TeamPolicy = {
      max_age: 43_200,
      idle: 1800,
      required_providers: ['github', 'siwe'],
      any_of: ['google'],
      allowed_networks: ['10.0.0.0/8', '2001:db8::/32'],
      exclusive: true,
      require_fresh_for_admin: true,
    }
    const read = readForm(toForm(policy))
    expect(read).toEqual({ wrong: {}, policy })
    expect(samePolicy(read.policy!, policy)).toBe(true)
    expect(readForm(toForm(open))).toEqual({ wrong: {}, policy: open })
  })

  it('makes ranges canonical and takes each once', () => {
    expect(readForm({ ...toForm(open), networks: '10.9.9.9/8\n\n 10.0.0.0/8 \n192.0.2.1' }).policy?.allowed_networks).toEqual(['10.0.0.0/8', '192.0.2.1/32'])
  })

  it('tells of ranges that are taken otherwise than they were typed', () => {
    expect(readDifferently('127.0.0.1/8\n192.0.2.1\n 10.0.0.0/8\n2001:DB8::1/32\nsomewhere/8')).toEqual(['127.0.0.0/8', '2001:db8::/32'])
  })

  it('says every field that is wrong, and makes no policy then', () => {
    const form = { ...toForm(open), maxAge: { number: 'x', unit: 'days' as const }, networks: '10.0.0.0/8\n somewhere' }
    expect(readForm(form)).toEqual({ wrong: { maxAge: 'number', networks: 'somewhere' } })
  })
})

it('takes limits from a preset and keeps the rest', () => {
  const form = { ...toForm(open), anyOf: ['google'], networks: '10.0.0.0/8' }
  expect(readForm(withPreset(form, 'strict')).policy).toEqual({
    max_age: 43_200,
    idle: 3600,
    required_providers: [],
    any_of: ['google'],
    allowed_networks: ['10.0.0.0/8'],
    exclusive: true,
    require_fresh_for_admin: true,
  })
  expect(readForm(withPreset(withPreset(form, 'strict'), 'relaxed')).policy?.idle).toBeUndefined()
})

it('two policies are the same in any order, and not when a rule differs', () => {
  expect(samePolicy({ ...open, required_providers: ['a', 'b'] }, { ...open, required_providers: ['b', 'a'] })).toBe(true)
  for (const other of [{ max_age: 1 }, { idle: 60 }, { exclusive: true }, { any_of: ['a'] }, { require_fresh_for_admin: true }, { allowed_networks: ['::/0'] }]) {
    expect(samePolicy(open, { ...open, ...other })).toBe(false)
  }
})
