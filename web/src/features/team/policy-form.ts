import type { TeamPolicy } from '../../api/types'
import { readNetwork } from '../sessions/filters'

export const units = { minutes: 60, hours: 3600, days: 86_400 } as const
export type Unit = keyof typeof units

// A length of time as it is typed.
export interface Span {
  number: string
  unit: Unit
}

export interface Form {
  maxAge: Span
  idle: Span
  providers: string[]
  /** Of which one is enough. */
  anyOf: string[]
  networks: string
  exclusive: boolean
  fresh: boolean
}

// toSpan takes the largest unit that leaves a whole number.
export function toSpan(seconds: number | undefined): Span {
  if (seconds === undefined) return { number: '', unit: 'hours' }
  const unit = (['days', 'hours', 'minutes'] as const).find((u) => seconds % units[u] === 0) ?? 'minutes'
  // A part of a minute can be set by the API only; it is shown, not rounded away.
  return { number: String(seconds / units[unit]), unit }
}

// What the service takes, in seconds.
export const limits = { maxAge: { least: 1, most: 366 * 86_400 }, idle: { least: 60, most: 366 * 86_400 } } as const

// What is wrong with a length of time.
export type SpanFault = 'number' | 'short' | 'long'

// fromSpan answers seconds, undefined for nothing typed, or what is wrong.
export function fromSpan({ number, unit }: Span, { least, most }: { least: number; most: number }): number | undefined | SpanFault {
  const text = number.trim()
  if (text === '') return undefined
  if (!/^\d{1,9}(\.\d+)?$/.test(text)) return 'number'
  const seconds = Math.round(Number(text) * units[unit])
  return seconds < least ? 'short' : seconds > most ? 'long' : seconds
}

const linesOf = (networks: string) =>
  networks
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

// readDifferently are the ranges that are taken otherwise than they were typed: who
// typed bits behind the prefix may have meant another range.
export function readDifferently(networks: string): string[] {
  return linesOf(networks).flatMap((line) => {
    const range = readNetwork(line)
    return range && line.includes('/') && range !== line ? [range] : []
  })
}

export function toForm(policy: TeamPolicy): Form {
  return {
    maxAge: toSpan(policy.max_age),
    idle: toSpan(policy.idle),
    providers: policy.required_providers,
    anyOf: policy.any_of,
    networks: policy.allowed_networks.join('\n'),
    exclusive: policy.exclusive,
    fresh: policy.require_fresh_for_admin,
  }
}

type Limits = Pick<TeamPolicy, 'exclusive' | 'require_fresh_for_admin'> & { max_age: number; idle: number | undefined }

// presets are limits to begin with.
export const presets = {
  relaxed: { max_age: 30 * 86_400, idle: undefined, exclusive: false, require_fresh_for_admin: false },
  balanced: { max_age: 7 * 86_400, idle: 86_400, exclusive: false, require_fresh_for_admin: true },
  strict: { max_age: 12 * 3600, idle: 3600, exclusive: true, require_fresh_for_admin: true },
} satisfies Record<string, Limits>

export type Preset = keyof typeof presets

// withPreset is a form with a preset's limits. Who may come in, and from where, stays.
export function withPreset(form: Form, preset: Preset): Form {
  const { max_age, idle, exclusive, require_fresh_for_admin } = presets[preset]
  return { ...form, maxAge: toSpan(max_age), idle: toSpan(idle), exclusive, fresh: require_fresh_for_admin }
}

export interface Read {
  policy?: TeamPolicy
  /** Of networks the first line that is none. */
  wrong: { maxAge?: SpanFault; idle?: SpanFault; networks?: string }
}

// readForm makes the policy of what was typed, or says which field is wrong.
export function readForm(form: Form): Read {
  const [max_age, idle] = [fromSpan(form.maxAge, limits.maxAge), fromSpan(form.idle, limits.idle)]
  const lines = linesOf(form.networks)
  const networks = lines.map(readNetwork)
  const none = lines[networks.indexOf(undefined)]
  if (typeof max_age === 'string' || typeof idle === 'string' || none !== undefined) {
    return {
      wrong: {
        ...(typeof max_age === 'string' ? { maxAge: max_age } : {}),
        ...(typeof idle === 'string' ? { idle } : {}),
        ...(none === undefined ? {} : { networks: none }),
      },
    }
  }
  return {
    wrong: {},
    policy: {
      ...(max_age ? { max_age } : {}),
      ...(idle ? { idle } : {}),
      required_providers: [...form.providers].sort(),
      any_of: [...form.anyOf].sort(),
      allowed_networks: [...new Set(networks as string[])],
      exclusive: form.exclusive,
      require_fresh_for_admin: form.fresh,
    },
  }
}

export function samePolicy(a: TeamPolicy, b: TeamPolicy): boolean {
  const plain = (p: TeamPolicy) =>
    JSON.stringify([p.max_age ?? 0, p.idle ?? 0, [...p.required_providers].sort(), [...p.any_of].sort(), [...p.allowed_networks].sort(), p.exclusive, p.require_fresh_for_admin])
  return plain(a) === plain(b)
}
