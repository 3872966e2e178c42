import type { Session } from '@latchkey/react/session'
import { type NextRequest, NextResponse } from 'next/server.js'
import type { App, Outcome } from './app.js'
import type { Options } from './config.js'
import { type CookieWrite, jarOf, serialize, withWrites } from './cookies.js'
import type { AuthError } from './errors.js'
import { createMatcher, type Matcher } from './matcher.js'
import { errorPage } from './pages.js'
import { type Kind, kindOf } from './request.js'

// AuthRequest is a request with the person who sent it.
export interface AuthRequest extends NextRequest {
  auth: Session | null
}

type Answer = Response | null | undefined

// Inner is a proxy or a route handler of the application.
export type Inner<Context> = (request: AuthRequest, context: Context) => Answer | Promise<Answer>

// pathHeader carries the path of a page, which Next.js does not pass to it.
export const pathHeader = 'x-latchkey-path'

// proxyOf returns what proxy.ts exports: it renews the session of each request before pages
// read it, and stops requests to protected paths without one.
export function proxyOf(app: () => App, options: Options) {
  let matcher: Matcher | undefined
  const isProtected = (request: NextRequest) => {
    const { protect } = options
    if (!protect) return false
    matcher ??= typeof protect === 'function' ? protect : createMatcher(protect)
    return matcher(request.nextUrl.pathname)
  }
  const gate = (one: App, request: NextRequest, outcome: Outcome): Response | undefined => {
    const kind = kindOf(request.headers)
    const path = request.nextUrl.pathname
    if (outcome.session) {
      const { onboarding } = one.config
      if (!onboarding || outcome.session.user.onboarded || path === onboarding) return undefined
      // Calls answer for themselves: auth.protect({ onboarded: true }).
      return kind === 'call' ? undefined : redirectTo(request, onboarding)
    }
    if (!isProtected(request)) return undefined
    const to = path + request.nextUrl.search
    if (outcome.error) return refused(outcome.error, kind, to, request, one)
    if (kind === 'call') return Response.json({ error: 'unauthenticated' }, { status: 401, headers: noStore })
    return redirectTo(request, `${one.config.basePath}/signin?${new URLSearchParams({ redirectTo: kind === 'page' ? to : path })}`)
  }
  return async <Context>(request: NextRequest, context: Context, inner?: Inner<Context>): Promise<Response> => {
    const one = app()
    const { basePath } = one.config
    const path = request.nextUrl.pathname
    if (path === basePath || path.startsWith(`${basePath}/`)) return NextResponse.next()
    return guarded(one, request, context, inner, (outcome) => gate(one, request, outcome))
  }
}

const noStore = { 'cache-control': 'private, no-store' }

// guarded runs a handler of the application with the session of a request.
export async function guarded<Context>(
  app: App,
  request: NextRequest,
  context: Context,
  inner: Inner<Context> | undefined,
  gate: (outcome: Outcome) => Response | undefined = () => undefined,
): Promise<Response> {
  const header = request.headers.get('cookie')
  const outcome = await app.outcome(jarOf(header), request.headers)
  let response: Answer = gate(outcome)
  if (!response && inner) {
    Object.defineProperty(request, 'auth', { value: outcome.session, configurable: true })
    response = await inner(request as AuthRequest, context)
  }
  const goesOn = !response || response.headers.has('x-middleware-next') || response.headers.has('x-middleware-rewrite')
  if (goesOn) response = goOn(response ?? undefined, request, withWrites(header, outcome.writes))
  return withSession(request, response as Response, outcome.writes, goesOn)
}

// withSession stores a renewed session in the browser, with the response to a request that
// only reads: the response to an action must not undo what the action did, such as signing
// out. mutable says whether the headers can be changed: those of Response.redirect() cannot.
export function withSession(request: NextRequest, response: Response, writes: readonly CookieWrite[], mutable = false): Response {
  const reads = request.method === 'GET' || request.method === 'HEAD'
  if (!writes.length || !reads) return response
  const out = mutable ? response : new NextResponse(response.body, response)
  for (const write of writes) out.headers.append('set-cookie', serialize(write))
  out.headers.set('cache-control', 'private, no-store') // or a cache would give the session to others
  return out
}

// goOn lets the request go on, with the renewed session.
function goOn(response: Response | undefined, request: NextRequest, cookie: string): Response {
  const headers = new Headers(request.headers)
  if (cookie) headers.set('cookie', cookie)
  else headers.delete('cookie')
  headers.set(pathHeader, request.nextUrl.pathname + request.nextUrl.search)
  const next = NextResponse.next({ request: { headers } })
  if (!response) return next
  // Overrides of the application take precedence.
  const own = (response.headers.get('x-middleware-override-headers') ?? '').split(',').filter(Boolean)
  const names = new Set((next.headers.get('x-middleware-override-headers') ?? '').split(',').filter(Boolean))
  for (const name of names) {
    const key = `x-middleware-request-${name}`
    if (!own.includes(name) || name === 'cookie' || name === pathHeader) response.headers.set(key, next.headers.get(key) ?? '')
  }
  response.headers.set('x-middleware-override-headers', [...new Set([...own, ...names])].join(','))
  return response
}

function redirectTo(request: NextRequest, path: string): Response {
  const url = request.nextUrl.clone()
  const target = new URL(path, url.origin)
  url.pathname = target.pathname
  url.search = target.search
  const status = request.method === 'GET' || request.method === 'HEAD' ? 307 : 303
  // Or the browser, going back, follows it once more, in circles with one that leads back.
  return NextResponse.redirect(url, { status, headers: noStore })
}

function refused(error: AuthError, kind: Kind, to: string, request: NextRequest, app: App): Response {
  if (kind === 'call') return Response.json({ error: error.code }, { status: error.status, headers: noStore })
  // Then the router loads the page as a document, and shows the error page.
  if (kind === 'part' || kind === 'action') return new Response(error.code, { status: error.status, headers: { ...noStore, 'content-type': 'text/plain' } })
  const signIn = `${app.config.basePath}/signin?${new URLSearchParams({ redirectTo: to, prompt: 'select_account' })}`
  return errorPage(
    error.code,
    error.status,
    error.code === 'unavailable' ? { label: 'Try again', href: request.nextUrl.pathname + request.nextUrl.search } : { label: 'Sign in again', href: signIn },
  )
}
