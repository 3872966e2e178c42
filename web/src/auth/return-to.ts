// safePath is a path of this origin, and not into the API. The service checks
// return_to by its own list where it is the one to redirect.
export const home = '/account'

export function safePath(raw: string | null, origin: string = location.origin): string {
  if (!raw?.startsWith('/')) return home
  // Browsers read a backslash as a slash and skip tabs and line breaks, so that
  // "/\evil" and "/<tab>/evil" would be other hosts.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
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

// Target is where a sign-in leads: a page of this app, or an address that the app
// is left for.
export interface Target {
  href: string
  page: boolean
}

// As the routes of the app. Which pages an area has, it knows itself.
const pages = /^\/((account(\/[a-z-]+)?|admin(\/[a-z-]+(\/[^/]+)?)?|consent|device|docs|sign-out|teams\/[^/]+(\/[a-z-]+)?)\/?)?$/

// targetOf reads a return_to. Another origin is gone to only if the service named
// it; another application at this origin is, like it, nothing for the router.
export function targetOf(raw: string | null, origins: readonly string[], origin: string = location.origin): Target {
  let path = raw
  if (raw && /^https?:\/\//i.test(raw) && !/[^\u0021-\u007e]|\\/.test(raw) && URL.canParse(raw)) {
    const url = new URL(raw)
    const named = !url.username && !url.password && origins.some((allowed) => new URL(allowed).origin === url.origin)
    if (named && url.origin !== origin) return { href: url.href, page: false }
    if (url.origin === origin) path = url.pathname + url.search + url.hash
  }
  const href = safePath(path, origin)
  return { href, page: pages.test(new URL(href, origin).pathname) }
}

// leaveFor leaves the app. Who comes back finds the page as the browser kept it:
// in the middle of leaving.
export function leaveFor(href: string): void {
  addEventListener('pageshow', ({ persisted }) => persisted && location.reload())
  location.assign(href)
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
