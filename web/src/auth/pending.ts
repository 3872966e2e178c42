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

const ticketKey = 'latchkey-merge-ticket'

// A merge ticket outlives a reload and a trip to confirm who one is. Only the
// session and browser it was given to can redeem it.
export const keptTicket = {
  get: (storage: Storage = sessionStorage): string | undefined => storage.getItem(ticketKey) ?? undefined,
  set: (ticket: string | undefined, storage: Storage = sessionStorage): void =>
    ticket === undefined ? storage.removeItem(ticketKey) : storage.setItem(ticketKey, ticket),
}
