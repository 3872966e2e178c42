/// <reference path="./next-modules.d.ts" />
import type { Session, SignInOptions } from '@latchkey/react/session'
import { type NextRequest, NextResponse } from 'next/server.js'
import { cache } from 'react'
import type { App, Outcome } from './app.js'
import { type CookieWrite, type Jar, jarOf } from './cookies.js'
import { AuthError, unavailable } from './errors.js'
import { guarded, type Inner, pathHeader, withSession } from './next.js'
import { lackOf, type Requirements } from './protect.js'
import { kindOf } from './request.js'
import { returnPath } from './return-to.js'
import { beginSignIn, endSession } from './sign-in.js'

// Handler is a route handler of Next.js.
export type Handler<Context> = (request: NextRequest, context: Context) => Promise<Response>

// Protected is a route handler that only permitted requests reach.
export type Protected<Context> = (request: NextRequest & { auth: Session }, context: Context) => Response | Promise<Response>

export interface Auth {
  /**
   * Returns who is signed in, in server components, server actions and route handlers: null for no one, and undefined while
   * that is not known, because Latchkey does not answer. Pages that need a person use `auth.protect()`.
   */
  (): Promise<Session | null | undefined>
  /** Wraps a route handler, or a proxy: `request.auth` is who is signed in. */
  <Context = unknown>(handler: Inner<Context>): (request: NextRequest, context: Context) => Promise<Response>
  /**
   * Returns who is signed in, if they have what is required. A page sends others to sign in, to the onboarding page, or
   * to verify that it is them. In a server action or a route handler it throws an AuthError.
   */
  protect(needs?: Requirements): Promise<Session>
  /** Wraps a route handler: others are answered with 401, 403 or 503. */
  protect<Context>(needs: Requirements, handler: Protected<Context>): Handler<Context>
  protect<Context>(handler: Protected<Context>): Handler<Context>
  /** Asks Latchkey for the user's current claims, such as after the application changed them. In actions and route handlers. */
  refresh(): Promise<Session | null | undefined>
}

// The bundler of Next.js replaces these modules. They are loaded when they are needed, so
// that this module can be imported anywhere.
const nextHeaders = () => import('next/headers')

async function redirect(to: string): Promise<never> {
  return (await import('next/navigation')).redirect(to)
}

interface Surroundings {
  jar: Jar
  headers: Headers
}

async function surroundings(): Promise<Surroundings> {
  const { cookies, headers } = await nextHeaders()
  const [jar, all] = await Promise.all([cookies(), headers()])
  return {
    jar: {
      get: (name) => jar.get(name)?.value,
      names: () => jar.getAll().map(({ name }) => name),
    },
    headers: all as unknown as Headers,
  }
}

// writeCookies sets cookies and reports whether it could: server components cannot, and
// read what the proxy has set for them.
async function writeCookies(writes: readonly CookieWrite[]): Promise<boolean> {
  if (!writes.length) return true
  const jar = await (await nextHeaders()).cookies()
  try {
    for (const { name, value, ...options } of writes) jar.set(name, value, options)
    return true
  } catch {
    return false
  }
}

// seen is what an application gets to see of an outcome.
function seen({ state, session }: Outcome): Session | null | undefined {
  return state === 'unavailable' ? undefined : session
}

// authOf returns `auth` of an application.
export function authOf(app: () => App): Auth {
  const outcome = cache(async (): Promise<Outcome> => {
    const around = await surroundings()
    const found = await app().outcome(around.jar, around.headers)
    await writeCookies(found.writes)
    return found
  })

  async function current(): Promise<Session | null | undefined> {
    return seen(await outcome())
  }

  async function protect(needs: Requirements): Promise<Session> {
    const { session, error } = await outcome()
    const { headers: all } = await surroundings()
    const one = app()
    const { basePath, onboarding } = one.config
    const kind = kindOf(all)
    const path = returnPath(all.get(pathHeader), one.originFor(all), basePath)
    const away = (to: string, fields: Record<string, string>): Promise<never> => redirect(`${basePath}/${to}?${new URLSearchParams({ redirectTo: path, ...fields })}`)
    if (!session) {
      if (error) {
        if (error.code !== 'unavailable' || kind === 'action') throw error
        return away('unavailable', {})
      }
      if (kind === 'call') throw new AuthError('unauthenticated', 'no one is signed in')
      return away('signin', {})
    }
    const lack = lackOf(session, needs)
    if (!lack) return session
    if (lack.remedy && (kind === 'page' || kind === 'part')) {
      if (lack.remedy !== 'onboarding') return away('signin', lack.remedy)
      if (onboarding) return redirect(onboarding)
    }
    throw lack.error
  }

  function protecting<Context>(needs: Requirements, handler: Protected<Context>): Handler<Context> {
    return async (request, context) => {
      const refuse = (error: AuthError) =>
        NextResponse.json(
          { error: error.code },
          { status: error.status, headers: { 'cache-control': 'private, no-store', ...(error.status === 401 && { 'www-authenticate': 'Cookie' }) } },
        )
      const one = app()
      const found = await one.outcome(jarOf(request.headers.get('cookie')), request.headers)
      if (!found.session) return refuse(found.error ?? new AuthError('unauthenticated', 'no one is signed in'))
      const lack = lackOf(found.session, needs)
      if (lack) return refuse(lack.error)
      Object.defineProperty(request, 'auth', { value: found.session, configurable: true })
      return withSession(request, await handler(request as NextRequest & { auth: Session }, context), found.writes)
    }
  }

  const auth = (handler?: Inner<unknown>) => {
    if (!handler) return current()
    return (request: NextRequest, context: unknown) => guarded(app(), request, context, handler)
  }
  return Object.assign(auth as Auth, {
    protect: ((first?: Requirements | Protected<unknown>, second?: Protected<unknown>) => {
      if (typeof first === 'function') return protecting({}, first)
      return second ? protecting(first ?? {}, second) : protect(first ?? {})
    }) as Auth['protect'],
    async refresh(): Promise<Session | null | undefined> {
      const around = await surroundings()
      const found = await app().outcome(around.jar, around.headers, true)
      await writeCookies(found.writes)
      return seen(found)
    },
  })
}

// signInOf returns `signIn`, for server actions: it starts a sign-in by a redirect.
export function signInOf(app: () => App) {
  return async (provider?: string, options: SignInOptions = {}): Promise<never> => {
    const { jar, headers: all } = await surroundings()
    const one = app()
    const to = options.redirectTo ?? (await pageBefore(one, all))
    try {
      await one.remote.reach()
    } catch {
      return redirect(`${one.config.basePath}/unavailable?${new URLSearchParams({ redirectTo: to })}`)
    }
    const { url, writes } = await beginSignIn(one, jar, all, provider, { ...options, redirectTo: to })
    if (await writeCookies(writes)) return redirect(url)
    // A server component: the handler can.
    const fields = Object.entries({ provider, ...options, redirectTo: to }).filter((field): field is [string, string] => field[1] !== undefined)
    return redirect(`${one.config.basePath}/signin?${new URLSearchParams(fields)}`)
  }
}

// signOutOf returns `signOut`, for server actions: it ends the session, here and in
// Latchkey, and redirects.
export function signOutOf(app: () => App) {
  return async (options: { redirectTo?: string } = {}): Promise<never> => {
    const { jar, headers: all } = await surroundings()
    const { url, writes } = await endSession(app(), jar, all, options.redirectTo ?? '/')
    if (!(await writeCookies(writes))) throw new AuthError('configuration', '@latchkey/next: signOut() is for server actions and route handlers')
    return redirect(url)
  }
}

// pageBefore is the page that an action was called from.
async function pageBefore(app: App, all: Headers): Promise<string> {
  return returnPath(all.get('referer'), app.originFor(all), app.config.basePath)
}

// getAccessTokenOf returns `getAccessToken`: an access token of the person who is signed in,
// for an API that verifies it.
export function getAccessTokenOf(app: () => App) {
  return async (): Promise<string> => {
    const { jar, headers: all } = await surroundings()
    const one = app()
    if (one.forwarder) return one.forwarder.accessToken(all, one.clientIp(all))
    const names = one.namesFor(all)
    const stored = await one.storedIn(jar, names)
    if (!stored) throw new AuthError('unauthenticated', 'no one is signed in')
    const standing = await one.keeper.standing(stored, one.clientIp(all))
    if (standing.state === 'ended') throw new AuthError('unauthenticated', 'the session has ended')
    if (standing.state !== 'active') throw standing.error ?? unavailable('the session cannot be checked')
    if (standing.stored !== stored) await writeCookies(await one.keep(jar, names, standing.stored))
    return standing.stored.access
  }
}
