import type { PendingLink } from './pending'
import { type Words, wordsForCode } from './words'

// Returned is what the account page learns when a browser comes back from a
// provider.
export interface Returned {
  /** What to say, if anything. */
  notice?: { words: Words; kind: 'error' | 'done' }
  /** The person must prove who they are before this provider can be linked. */
  stepUpFor?: string
  /** Fresh again: go on and link this provider. */
  goOnWith?: string
}

// readReturn decides by the address and by what this tab remembers. Success is
// believed only of what this tab asked for; the list of ways in tells the truth
// in any case.
export function readReturn(query: URLSearchParams, pending: PendingLink | undefined, name: (provider: string) => string): Returned {
  const error = query.get('error')
  if (error === 'reauth_required' && pending?.leg === 'link') return { stepUpFor: pending.provider }
  if (error !== null) return { notice: { words: wordsForCode(error, 'link'), kind: 'error' } }
  if (query.has('stepped_up')) {
    if (pending?.leg === 'step_up') return { goOnWith: pending.provider }
    return {}
  }
  const linked = query.get('linked')
  if (linked !== null && pending?.leg === 'link' && pending.provider === linked) {
    return { notice: { words: { title: `${name(linked)} is linked`, text: 'From now on you can sign in with it.' }, kind: 'done' } }
  }
  return {}
}
