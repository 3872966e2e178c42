// A refused sign-in whose address has an account leaves a link ticket with this
// browser. What is begun from its page signs in for it; a mailed link does so in a
// tab of its own, within the ticket's life.
const key = 'latchkey-link-ticket'
const lifetime = 15 * 60_000

export const beginForTicket = () => globalThis.localStorage?.setItem(key, String(Date.now() + lifetime))
export const endForTicket = () => globalThis.localStorage?.removeItem(key)

// forTicket is what the calls of the API take.
export function forTicket(): { link_ticket?: true } {
  return Number(globalThis.localStorage?.getItem(key)) > Date.now() ? { link_ticket: true } : {}
}
