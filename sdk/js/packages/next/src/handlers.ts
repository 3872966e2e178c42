import type { SignInOptions } from '@latchkey/react/session'
import { readBody } from '@latchkey/server'
import type { App, Outcome } from './app.js'
import { type CookieWrite, type Jar, jarOf, serialize } from './cookies.js'
import { AuthError, unavailable } from './errors.js'
import { enterPage, errorPage, goOnPage, signOutPage } from './pages.js'
import { isOwn, kindOf } from './request.js'
import { returnPath } from './return-to.js'
import { beginSignIn, endSession, finishSignIn } from './sign-in.js'

// Call is a request to one of the handlers.
interface Call {
  request: Request
  query: URLSearchParams
  jar: Jar
  origin: string
}

type Handler = (app: App, call: Call) => Promise<Response>

const prompts = ['login', 'select_account', 'consent'] as const

// How many bytes a form may have. The longest has a logout token.
const maxBody = 16 << 10

const get: Record<string, Handler> = {
  // The client asks who is signed in.
  session: async (app, call) => answerSession(await app.outcome(call.jar, call.request.headers)),

  signin: signIn,

  callback: async (app, { request, query, jar, origin }) => {
    const arrival = await finishSignIn(app, jar, request.headers, query)
    if (!arrival.error) return redirect(arrival.to, arrival.writes)
    // The browser went back to a callback that was used already.
    if (arrival.error.code === 'invalid_answer' && (await app.outcome(jar, request.headers)).state === 'active') return redirect(arrival.to, arrival.writes)
    return failed(app, request, origin, arrival.error, arrival.to, arrival.writes)
  },

  signout: async (app, { query, origin }) => signOutPage(`${app.config.basePath}/signout`, returnPath(query.get('redirectTo'), origin, app.config.basePath), app.config.issuer),

  // Latchkey sends the browser here after it has ended its own session.
  'signed-out': async (app, { query, origin }) => redirect(returnPath(query.get('state'), origin, app.config.basePath)),

  // Protected pages send people here while it is not known who they are.
  unavailable: async (app, { request, query, origin }) => failed(app, request, origin, unavailable('it is not known who this is'), query.get('redirectTo')),
}

const post: Record<string, Handler> = {
  // The client asks for current claims.
  session: async (app, { request, jar, origin }) => {
    if (!isOwn(request.headers, origin)) return refusal(403, 'forbidden')
    return answerSession(await app.outcome(jar, request.headers, true))
  },

  signin: signIn,

  signout: async (app, { request, query, jar, origin }) => {
    if (!isOwn(request.headers, origin)) return refusal(403, 'forbidden')
    const form = await formOf(request)
    const { url, writes } = await endSession(app, jar, request.headers, form.get('redirectTo') ?? form.get('callbackUrl') ?? query.get('redirectTo') ?? undefined)
    if (request.headers.get('accept')?.includes('application/json')) return json(200, { url }, writes)
    return redirect(url, writes)
  },

  // OpenID Connect Back-Channel Logout 1.0, sections 2.5 to 2.8.
  'backchannel-logout': async (app, { request }) => {
    if (app.forwarder) return refusal(404, 'not_found') // there is no session of the application's own
    const token = (await formOf(request)).get('logout_token')
    if (!token) return refusal(400, 'invalid_request')
    try {
      const claims = await app.remote.verifyLogoutToken(token)
      const sid = claims['sid']
      await app.revocations.end({ sub: claims.sub, at: claims.iat!, ...(typeof sid === 'string' && { sid }) })
      return json(200, {})
    } catch (error) {
      if (error instanceof AuthError && error.code === 'invalid_answer') return refusal(400, 'invalid_request')
      throw error
    }
  },

  unavailable: get['unavailable']!,
}

async function signIn(app: App, { request, query, jar, origin }: Call): Promise<Response> {
  if (kindOf(request.headers) === 'part') return goOnPage()
  if (request.method === 'POST') {
    if (!isOwn(request.headers, origin)) return refusal(403, 'forbidden')
    for (const [name, value] of await formOf(request)) query.set(name, value)
  } else if (query.has('team') && request.headers.get('sec-fetch-site') === 'cross-site') {
    return enterPage(`${app.config.basePath}/signin?${query}`)
  }
  const field = (name: string) => query.get(name) ?? undefined
  const prompt = prompts.find((known) => known === query.get('prompt'))
  const options: SignInOptions = {
    redirectTo: returnPath(field('redirectTo') ?? field('callbackUrl'), origin, app.config.basePath),
    ...(field('team') && { team: field('team')! }),
    ...(field('loginHint') && { loginHint: field('loginHint')! }),
    ...(prompt && { prompt }),
  }
  if (!options.team && !prompt) {
    const { state, writes } = await app.outcome(jar, request.headers)
    if (state === 'active') return redirect(options.redirectTo!, writes)
  }
  await app.remote.reach()
  const { url, writes } = await beginSignIn(app, jar, request.headers, field('provider'), options)
  return redirect(url, writes)
}

function answerSession(outcome: Outcome): Response {
  if (outcome.state === 'unavailable') return refusal(503, 'unavailable')
  return json(200, outcome.session, outcome.writes)
}

// formOf reads a form, which is empty if it is too large.
async function formOf(request: Request): Promise<URLSearchParams> {
  if (!request.headers.get('content-type')?.startsWith('application/x-www-form-urlencoded')) return new URLSearchParams()
  const body = await readBody(request, maxBody)
  return new URLSearchParams(new TextDecoder().decode(body))
}

function withCookies(response: Response, writes: readonly CookieWrite[]): Response {
  for (const write of writes) response.headers.append('set-cookie', serialize(write))
  return response
}

function redirect(location: string, writes: readonly CookieWrite[] = []): Response {
  return withCookies(new Response(null, { status: 303, headers: { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' } }), writes)
}

function json(status: number, body: unknown, writes: readonly CookieWrite[] = []): Response {
  return withCookies(Response.json(body, { status, headers: { 'cache-control': 'private, no-store', vary: 'Cookie' } }), writes)
}

function refusal(status: number, error: string): Response {
  return json(status, { error })
}

function failed(app: App, request: Request, origin: string, error: AuthError, to: string | null, writes: readonly CookieWrite[] = []): Response {
  if (error.code === 'configuration') console.error(error.message)
  if (kindOf(request.headers) === 'call') return withCookies(refusal(error.status, error.code), writes)
  const href = returnPath(to, origin, app.config.basePath)
  const signInAgain = `${app.config.basePath}/signin?${new URLSearchParams({ redirectTo: href })}`
  const again = error.code === 'unavailable' ? { label: 'Try again', href } : { label: 'Sign in', href: signInAgain }
  return withCookies(errorPage(error.code, error.status, again), writes)
}

export type Handlers = Record<'GET' | 'POST', (request: Request) => Promise<Response>>

// newHandlers returns what app/api/auth/[...latchkey]/route.ts exports.
export function newHandlers(app: () => App): Handlers {
  const serve = (routes: Record<string, Handler>) => async (request: Request) => {
    const url = new URL(request.url)
    const name = /[^/]*$/.exec(url.pathname)![0]
    const handler = Object.hasOwn(routes, name) ? routes[name] : undefined
    if (!handler) return refusal(404, 'not_found')
    let origin = url.origin
    try {
      const one = app()
      origin = one.originFor(request.headers)
      return await handler(one, { request, query: url.searchParams, jar: jarOf(request.headers.get('cookie')), origin })
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      if (error.code === 'configuration') {
        console.error(error.message)
        return errorPage('configuration', 500, { label: 'Try again', href: '/' })
      }
      return failed(app(), request, origin, error, url.searchParams.get('redirectTo'))
    }
  }
  return { GET: serve(get), POST: serve(post) }
}
