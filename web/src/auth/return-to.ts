// Where the app itself may go after a sign-in: a path of this origin, and not
// into the API. The service checks return_to by its own list where it is the one
// to redirect.
export const home = '/account'

export function safePath(raw: string | null, origin: string = location.origin): string {
  if (!raw || !raw.startsWith('/')) return home
  // Browsers read a backslash as a slash and skip tabs and line breaks, so that
  // "/\evil" and "/<tab>/evil" would be other hosts.
  if (/[\\\u0000-\u0020\u007f]/.test(raw)) return home
  let url
  try {
    url = new URL(raw, origin)
  } catch {
    return home
  }
  if (url.origin !== origin || url.pathname.startsWith('//') || /^\/(v1|sign-in)(\/|$)/.test(url.pathname)) return home
  return url.pathname + url.search + url.hash
}

// refusedAt is where the app tells a refusal of a round trip to a provider that
// was to end at `asked`: on the page that set out for it, or at sign-in.
export function refusedAt(code: string, asked: string, origin: string = location.origin): string {
  const signIn = /^\/sign-in(?:\?(.*))?$/.exec(asked)
  const wanted = signIn ? (new URLSearchParams(signIn[1]).get('return_to') ?? '') : asked
  const page = !signIn && asked.startsWith('/') ? safePath(asked, origin) : '/sign-in'
  const url = new URL(page, origin)
  url.searchParams.set('error', code)
  if (page === '/sign-in' && wanted) url.searchParams.set('return_to', wanted)
  return url.pathname + url.search + url.hash
}
