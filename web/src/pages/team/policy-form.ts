import type { TeamPolicy } from '../../api/types'
import { readNetwork } from '../../sessions/filters'

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

// fromSpan answers seconds, undefined for nothing typed and null for what is no
// length of time.
export function fromSpan({ number, unit }: Span): number | undefined | null {
  const text = number.trim()
  if (text === '') return undefined
  const seconds = Math.round(Number(text) * units[unit])
  return /^\d{1,9}(\.\d+)?$/.test(text) && seconds >= 1 ? seconds : null
}

export function toForm(policy: TeamPolicy): Form {
  return {
    maxAge: toSpan(policy.max_age),
    idle: toSpan(policy.idle),
    providers: policy.required_providers,
    networks: policy.allowed_networks.join('\n'),
    exclusive: policy.exclusive,
    fresh: policy.require_fresh_for_admin,
  }
}

export interface Read {
  policy?: TeamPolicy
  wrong: { maxAge?: true; idle?: true; networks?: true }
}

// readForm makes the policy of what was typed, or says which field is wrong.
export function readForm(form: Form): Read {
  const [max_age, idle] = [fromSpan(form.maxAge), fromSpan(form.idle)]
  const lines = form.networks.split('\n').filter((line) => line.trim() !== '')
  const networks = lines.map(readNetwork)
  const wrong: Read['wrong'] = {
    ...(max_age === null ? { maxAge: true } : {}),
    ...(idle === null ? { idle: true } : {}),
    ...(networks.includes(undefined) ? { networks: true } : {}),
  }
  if (Object.keys(wrong).length > 0) return { wrong }
  return {
    wrong,
    policy: {
      ...(max_age ? { max_age } : {}),
      ...(idle ? { idle } : {}),
      required_providers: [...form.providers].sort(),
      allowed_networks: [...new Set(networks as string[])],
      exclusive: form.exclusive,
      require_fresh_for_admin: form.fresh,
    },
  }
}

export function samePolicy(a: TeamPolicy, b: TeamPolicy): boolean {
  const plain = (p: TeamPolicy) =>
    JSON.stringify([p.max_age ?? 0, p.idle ?? 0, [...p.required_providers].sort(), [...p.allowed_networks].sort(), p.exclusive, p.require_fresh_for_admin])
  return plain(a) === plain(b)
}
