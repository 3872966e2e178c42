// Kind is what a request is for, which decides how it is refused.
export type Kind = 'page' | 'part' | 'action' | 'call'

// kindOf reads what Next.js and browsers say of a request: a `page` is navigated to, a
// `part` of one is fetched by the router, an `action` is a server action, the rest are calls.
export function kindOf(headers: Headers): Kind {
  if (headers.has('next-action')) return 'action'
  if (headers.has('rsc') || headers.has('next-router-prefetch')) return 'part'
  const dest = headers.get('sec-fetch-dest')
  if (dest) return dest === 'document' || dest === 'iframe' ? 'page' : 'call'
  return headers.get('accept')?.includes('text/html') ? 'page' : 'call'
}

// isOwn reports whether a page of the application itself sent a request. Browsers say so in
// every request but GET and HEAD.
export function isOwn(headers: Headers, origin: string): boolean {
  const from = headers.get('origin')
  if (from) return from === origin
  return headers.get('sec-fetch-site') === 'same-origin'
}
