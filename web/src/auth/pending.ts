// A link in progress, remembered over the trip to a provider: what the person
// asked for, and which leg they are on. It is kept by this tab and not in the
// address, so that no link from elsewhere can start one.
export interface PendingLink {
  provider: string
  leg: 'link' | 'step_up'
}

const storageKey = 'latchkey-pending-link'
const keptFor = 15 * 60_000

export function savePending(link: PendingLink, storage: Storage = sessionStorage, now: number = Date.now()): void {
  storage.setItem(storageKey, JSON.stringify({ ...link, at: now }))
}

// takePending answers the link in progress and forgets it.
export function takePending(storage: Storage = sessionStorage, now: number = Date.now()): PendingLink | undefined {
  const stored = storage.getItem(storageKey)
  storage.removeItem(storageKey)
  if (stored === null) return undefined
  try {
    const { provider, leg, at } = JSON.parse(stored) as Partial<PendingLink & { at: number }>
    if (typeof provider !== 'string' || typeof at !== 'number' || now - at > keptFor) return undefined
    return leg === 'link' || leg === 'step_up' ? { provider, leg } : undefined
  } catch {
    return undefined
  }
}
