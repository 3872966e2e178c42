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

export function savePending(pending: Pending, storage: Storage = sessionStorage, now: number = Date.now()): void {
  storage.setItem(storageKey, JSON.stringify({ ...pending, at: now }))
}

// takePending answers what is pending and forgets it.
export function takePending(storage: Storage = sessionStorage, now: number = Date.now()): Pending | undefined {
  const stored = storage.getItem(storageKey)
  storage.removeItem(storageKey)
  if (stored === null) return undefined
  try {
    const { intent, leg, typed, at } = JSON.parse(stored) as Partial<Pending & { at: number }>
    if (typeof intent !== 'string' || typeof at !== 'number' || now - at > keptFor) return undefined
    if (leg !== 'link' && leg !== 'step_up') return undefined
    return { intent, leg, ...(typeof typed === 'string' ? { typed } : {}) }
  } catch {
    return undefined
  }
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

// A merge outlives a reload and a trip to confirm who one is, but not its
// session: whoever signs in next in this tab hears nothing of it.
export const keptMerge = {
  get(session: string, storage: Storage = sessionStorage): KeptMerge | undefined {
    try {
      const kept = JSON.parse(storage.getItem(mergeKey) ?? '{}') as Partial<KeptMerge>
      if (kept.session === session && kept.ticket && kept.choices) return kept as KeptMerge
    } catch {
      // Damaged, which is as good as none.
    }
    storage.removeItem(mergeKey)
    return undefined
  },
  set: (merge: KeptMerge | undefined, storage: Storage = sessionStorage): void =>
    merge === undefined ? storage.removeItem(mergeKey) : storage.setItem(mergeKey, JSON.stringify(merge)),
}

const mailKey = 'latchkey-mail'

// Who goes to look for a mail on a phone may find the page loaded anew: where the
// newest was sent is kept by this tab for as long as its code works. Nothing but
// the address is known of it.
export const keptMail = {
  get(purpose: Purpose, storage?: Storage, now: number = Date.now()): string | undefined {
    try {
      const { email, purpose: of, expires_at } = JSON.parse((storage ?? sessionStorage).getItem(mailKey) ?? '{}') as Record<string, unknown>
      return of === purpose && typeof email === 'string' && Date.parse(String(expires_at)) > now ? email : undefined
    } catch {
      return undefined
    }
  },
  set(mail: { email: string; purpose: Purpose; expires_at: string } | undefined, storage?: Storage): void {
    try {
      ;(storage ?? sessionStorage).setItem(mailKey, JSON.stringify(mail ?? {}))
    } catch {
      // Storage may be forbidden; then a page loaded anew begins anew.
    }
  },
}
