import { type Pending, takePending } from './pending'
import { refusedAt } from './return-to'

// Arrival is a return from a provider to a page that a signed-in person left for
// it: to link it, or to step up.
export interface Arrival {
  kind: 'linked' | 'stepped_up'
  provider: string
  /** The code of a refusal. */
  error: string | undefined
  /** What a refused link can be redeemed for: a merge. */
  ticket: string | undefined
  /** What this tab set out for; success is believed only of that. */
  intent: string | undefined
  /** And what had been typed for it. */
  typed: string | undefined
}

const ours = ['linked', 'stepped_up', 'error', 'ticket']

// readArrival decides by the address and by what this tab remembers, and answers
// the address without what was read: a ticket most of all should not stay in the
// history.
export function readArrival(url: URL, pending: () => Pending | undefined): { arrival: Arrival | undefined; rest: string } {
  const kind = (['linked', 'stepped_up'] as const).find((name) => url.searchParams.has(name))
  const rest = new URL(url)
  // Elsewhere a ticket is for the next sign-in, and of no use to the page. Deleting
  // a parameter that is not there would rewrite the address.
  for (const name of ['request_id', ...(kind ? ours : ['ticket'])]) if (rest.searchParams.has(name)) rest.searchParams.delete(name)
  const address = rest.pathname + rest.search + rest.hash
  if (!kind) return { arrival: undefined, rest: address }
  const remembered = pending()
  const meant = remembered?.leg === (kind === 'linked' ? 'link' : 'step_up') ? remembered : undefined
  const arrival = {
    kind,
    provider: url.searchParams.get(kind)!,
    error: url.searchParams.get('error') ?? undefined,
    ticket: url.searchParams.get('ticket') ?? undefined,
    intent: meant?.intent,
    typed: meant?.typed,
  }
  return { arrival, rest: address }
}

let arrival: Arrival | undefined

// A refusal that the service answered in place, on the way to a provider or back
// before it was known where to; or one of its own failures, passed in the address.
export interface Refusal {
  code: string
  requestId: string
  returnTo: string
}

function refusalIn(page: Document): Refusal | undefined {
  const meta = page.querySelector<HTMLMetaElement>('meta[name="latchkey-refusal"]')
  return meta ? { code: meta.content, requestId: meta.dataset['requestId'] ?? '', returnTo: meta.dataset['returnTo'] ?? '' } : undefined
}

// faultIn reads the request that failed, for a code that came back with it.
export function faultIn(url: URL): Refusal | undefined {
  const [code, requestId] = [url.searchParams.get('error'), url.searchParams.get('request_id')]
  return code && requestId && /^[A-Z2-7]{26}$/.test(requestId) ? { code, requestId, returnTo: '' } : undefined
}

let refusal: Refusal | undefined

// requestOf is the request that was refused with this code, for who runs the
// service to find it.
export function requestOf(code: string): string | undefined {
  return refusal?.code === code ? refusal.requestId : undefined
}

// startArrival reads the page and the address of this load, before the router does.
export function startArrival(): void {
  refusal = refusalIn(document)
  if (refusal) history.replaceState(history.state, '', refusedAt(refusal.code, refusal.returnTo))
  const here = new URL(location.href)
  refusal ??= faultIn(here)
  const read = readArrival(here, takePending)
  arrival = read.arrival
  if (read.rest !== here.pathname + here.search + here.hash) history.replaceState(history.state, '', read.rest)
}

// arrivalOf answers the return of this load, if it is of that kind; endArrival
// says that it has been dealt with.
export function arrivalOf(kind: Arrival['kind']): Arrival | undefined {
  return arrival?.kind === kind ? arrival : undefined
}

export function endArrival(): void {
  arrival = undefined
}
