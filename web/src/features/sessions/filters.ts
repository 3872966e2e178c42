import type { SessionFilter, SessionStatus } from '../../api/types'

// What the person has chosen and typed; empty means any.
export type Chosen = {
  user: string
  status: SessionStatus | ''
  provider: string
  device: string
  network: string
  age: Age | ''
}

export const ages = ['newer_3600', 'newer_86400', 'newer_604800', 'older_3600', 'older_86400', 'older_604800', 'older_2592000'] as const
export type Age = (typeof ages)[number]

export const active: Chosen = { user: '', status: 'active', provider: '', device: '', network: '', age: '' }

const statuses: readonly string[] = ['active', 'refused', 'expired', 'revoked'] satisfies SessionStatus[]

// asChosen reads what an address says: anyone can have written it. A typed value may be
// unfinished, which filterErrors reports; a chosen one is on its list, or ignored.
export function asChosen(address: Record<keyof Chosen, string>, userTyped = true): Chosen {
  const { status, age, user } = address
  return {
    ...address,
    status: statuses.includes(status) ? (status as SessionStatus) : status === '' ? '' : active.status,
    age: ages.find((known) => known === age) ?? '',
    user: userTyped ? user.slice(0, 36) : (readID(user) ?? ''),
    network: address.network.slice(0, 50),
    device: address.device.slice(0, 100),
    provider: address.provider.slice(0, 64),
  }
}

// readNetwork makes a range in canonical form of what people type: an address is
// the range of itself, and bits behind the prefix do not count. Undefined: it is
// neither.
export function readNetwork(typed: string): string | undefined {
  const [address = '', bits, ...more] = typed.trim().split('/')
  if (more.length > 0) return undefined
  const length = bits === undefined ? undefined : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
  if (address.includes(':')) return readNetwork6(address, length ?? 128)
  const parts = address.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return undefined
  const prefix = length ?? 32
  return prefix <= 32 ? `${masked(parts.map(Number), 8, prefix).join('.')}/${prefix}` : undefined
}

function readNetwork6(address: string, prefix: number): string | undefined {
  const groups = readIPv6(address)
  if (!groups || !(prefix <= 128)) return undefined
  // IPv4 written as IPv6 the service takes as IPv4 only.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    const bytes = groups.slice(6).flatMap((group) => [group >> 8, group & 0xff])
    return prefix >= 96 ? readNetwork(`${bytes.join('.')}/${prefix - 96}`) : undefined
  }
  return `${writeIPv6(
    masked(groups, 16, prefix)
      .map((group) => group.toString(16))
      .join(':'),
  )}/${prefix}`
}

// masked keeps the bits before the prefix, of parts of so many bits each.
function masked(parts: number[], width: number, prefix: number): number[] {
  return parts.map((part, i) => {
    const kept = Math.min(width, Math.max(0, prefix - width * i))
    return part & ~((1 << (width - kept)) - 1)
  })
}

// writeIPv6 is the canonical form of an IPv6 address (RFC 5952). It is that of
// hosts in addresses of the web, so the browser does it; it throws for others.
const writeIPv6 = (address: string) => new URL(`http://[${address}]`).hostname.slice(1, -1)

function readIPv6(address: string): number[] | undefined {
  if (!/^[0-9a-fA-F:.]+$/.test(address)) return undefined
  let written
  try {
    written = writeIPv6(address)
  } catch {
    return undefined
  }
  const [head = [], tail] = written.split('::').map((part) => (part === '' ? [] : part.split(':').map((group) => parseInt(group, 16))))
  return tail ? [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail] : head
}

const isID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function readID(typed: string): string | undefined {
  const text = typed.trim()
  return isID.test(text) ? text.toLowerCase() : undefined
}

// toFilter is what the API takes. What is not readable yet is left out only
// while it is typed: filterErrors() holds back what would be done with such a filter.
export function toFilter(chosen: Chosen): SessionFilter {
  const [direction, seconds] = chosen.age.split('_')
  const network = chosen.network.trim() && readNetwork(chosen.network)
  const user = chosen.user.trim() && readID(chosen.user)
  return {
    ...(user ? { user_id: user } : {}),
    ...(chosen.status ? { status: chosen.status } : {}),
    ...(chosen.provider ? { provider: chosen.provider } : {}),
    ...(chosen.device.trim() ? { device: chosen.device.trim() } : {}),
    ...(network ? { network } : {}),
    ...(direction === 'older' ? { older_than: Number(seconds) } : {}),
    ...(direction === 'newer' ? { newer_than: Number(seconds) } : {}),
  }
}

export function filterErrors(chosen: Chosen): { user: boolean; network: boolean } {
  return {
    user: chosen.user.trim() !== '' && readID(chosen.user) === undefined,
    network: chosen.network.trim() !== '' && readNetwork(chosen.network) === undefined,
  }
}

// findsOpen reports whether a filter finds sessions that work, of which any could
// be ended.
export function findsOpen({ status = 'active' }: SessionFilter): boolean {
  return isOpen(status)
}

// isOpen reports whether a session could be ended: one that a team's policy refuses
// may act again.
export function isOpen(status: SessionStatus): boolean {
  return status === 'active' || status === 'refused'
}

// narrows reports whether a filter leaves out any session that could be ended.
export function narrows(filter: SessionFilter): boolean {
  return Object.keys(filter).some((key) => key !== 'status')
}
