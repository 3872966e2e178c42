import type { SessionFilter, SessionStatus } from '../api/types'

// What the person has chosen and typed; empty means any.
export interface Chosen {
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

// readNetwork makes a range in canonical form of what people type: an address is
// the range of itself, and bits behind the prefix do not count. Undefined: it is
// neither. Of IPv6 ranges the service says what is wrong with them.
export function readNetwork(typed: string): string | undefined {
  const [address = '', bits, ...more] = typed.trim().split('/')
  if (more.length > 0) return undefined
  const length = bits === undefined ? undefined : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
  if (address.includes(':')) {
    if (!/^[0-9a-fA-F:.]+$/.test(address) || (length !== undefined && !(length <= 128))) return undefined
    return `${address.toLowerCase()}/${length ?? 128}`
  }
  const parts = address.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return undefined
  const prefix = length ?? 32
  if (!(prefix <= 32)) return undefined
  const masked = parts.map((part, i) => {
    const kept = Math.min(8, Math.max(0, prefix - 8 * i))
    return Number(part) & ((0xff << (8 - kept)) & 0xff)
  })
  return `${masked.join('.')}/${prefix}`
}

const isID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function readID(typed: string): string | undefined {
  const text = typed.trim()
  return isID.test(text) ? text.toLowerCase() : undefined
}

// toFilter is what the API takes. What is not readable yet is left out only
// while it is typed: wrong() holds back what would be done with such a filter.
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

export function wrong(chosen: Chosen): { user: boolean; network: boolean } {
  return {
    user: chosen.user.trim() !== '' && readID(chosen.user) === undefined,
    network: chosen.network.trim() !== '' && readNetwork(chosen.network) === undefined,
  }
}

// narrows tells whether a filter leaves out any session that could be ended.
export function narrows(filter: SessionFilter): boolean {
  return Object.keys(filter).some((key) => key !== 'status')
}
