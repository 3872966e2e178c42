import type { MergeSide, Purpose } from '../api/types'

// What a person was about to do when they had to leave for a provider: to link
// it, or to confirm who they are for the sake of something else. It is kept by
// this tab and not in the address, so that no link from elsewhere can start it.
export interface Pending {
  /** What goes on after the return, such as "link:google" or "unlink:<id>". */
  intent: string
  leg: 'link' | 'step_up'
  /** What the person had typed for it. */
  typed?: string | undefined
}

const storageKey = 'latchkey-pending'
const keptFor = 15 * 60_000

export const linkIntent = (provider: string) => `link:${provider}`

// read answers what this tab keeps; nothing where it keeps nothing, where that is
// damaged, and where storage is forbidden.
function read(key: string, storage?: Storage): Record<string, unknown> {
  try {
    const kept: unknown = JSON.parse((storage ?? sessionStorage).getItem(key) ?? '{}')
    return typeof kept === 'object' && kept !== null ? (kept as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

// keep keeps for as long as the tab is there, or forgets.
function keep(key: string, value: object | undefined, storage?: Storage): void {
  try {
    if (value === undefined) (storage ?? sessionStorage).removeItem(key)
    else (storage ?? sessionStorage).setItem(key, JSON.stringify(value))
  } catch {
    // Storage may be forbidden; then a reloaded page starts again.
  }
}

export function savePending(pending: Pending, storage?: Storage, now: number = Date.now()): void {
  keep(storageKey, { ...pending, at: now }, storage)
}

// takePending answers what is pending and forgets it.
export function takePending(storage?: Storage, now: number = Date.now()): Pending | undefined {
  const { intent, leg, typed, at } = read(storageKey, storage)
  keep(storageKey, undefined, storage)
  if (typeof intent !== 'string' || typeof at !== 'number' || now - at > keptFor) return undefined
  if (leg !== 'link' && leg !== 'step_up') return undefined
  return { intent, leg, ...(typeof typed === 'string' ? { typed } : {}) }
}

// KeptMerge is a merge that was begun: its ticket, and what was chosen so far.
export interface KeptMerge {
  ticket: string
  /** The session it was given to: no other can redeem it. */
  session: string
  /** Whose accounts, once they have been seen. */
  users?: string[]
  survivor?: string
  choices: Record<string, MergeSide>
}

const mergeKey = 'latchkey-merge'

// A merge survives a reload and a step-up at a provider, but not its session: the
// next user of this tab does not see it.
export const keptMerge = {
  get(session: string, storage?: Storage): KeptMerge | undefined {
    const kept = read(mergeKey, storage)
    if (kept['session'] === session && kept['ticket'] && kept['choices']) return kept as unknown as KeptMerge
    keep(mergeKey, undefined, storage)
    return undefined
  },
  set: (merge: KeptMerge | undefined, storage?: Storage) => keep(mergeKey, merge, storage),
}

const mailKey = 'latchkey-mail'

// Looking for a mail on a phone may reload the page: this tab keeps the address that
// the newest was sent to while its code works, and nothing else.
export const keptMail = {
  get(purpose: Purpose, storage?: Storage, now: number = Date.now()): string | undefined {
    const { email, purpose: of, expires_at } = read(mailKey, storage)
    return of === purpose && typeof email === 'string' && Date.parse(String(expires_at)) > now ? email : undefined
  },
  set: (mail: { email: string; purpose: Purpose; expires_at: string } | undefined, storage?: Storage) => keep(mailKey, mail, storage),
}
