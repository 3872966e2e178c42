import type { SignInOptions } from '@latchkey/react/session'
import type { NextRequest } from 'next/server.js'
import { appFor } from './app.js'
import { type Auth, authOf, getAccessTokenOf, signInOf, signOutOf } from './auth.js'
import type { Options } from './config.js'
import { type Handlers, newHandlers } from './handlers.js'
import { type Inner, proxyOf } from './next.js'

export { hasRole, type Role, type Session, type SignInOptions, type User, type Wallet } from '@latchkey/react/session'
export type { Auth } from './auth.js'
export type { Options } from './config.js'
export { AuthError, type AuthErrorCode } from './errors.js'
export { createMatcher, type Matcher, type Pattern } from './matcher.js'
export type { AuthRequest } from './next.js'
export type { Requirements } from './protect.js'
export type { RevocationStore } from './revocations.js'

export interface Proxy {
  (request: NextRequest, event?: unknown): Promise<Response>
  /** Wraps a proxy of the application: `request.auth` is who is signed in. */
  (inner: Inner<unknown>): (request: NextRequest, event?: unknown) => Promise<Response>
}

export interface LatchkeyApp {
  /** Who is signed in. */
  auth: Auth
  /** For app/api/auth/[...latchkey]/route.ts: `export const { GET, POST } = handlers`. */
  handlers: Handlers
  /** In a server action: starts a sign-in. Without a provider the person chooses one. */
  signIn(provider?: string, options?: SignInOptions): Promise<never>
  /** In a server action: signs out, here and in Latchkey. */
  signOut(options?: { redirectTo?: string }): Promise<never>
  /** For proxy.ts: `export { proxy } from './auth'`, or as `middleware` in middleware.ts. */
  proxy: Proxy
  /** Returns an access token of the person who is signed in, for a backend that verifies it. */
  getAccessToken(): Promise<string>
}

// Latchkey configures sign-in for a Next.js application.
export function Latchkey(options: Options = {}): LatchkeyApp {
  const app = appFor(options)
  const guard = proxyOf(app, options)
  const proxy = (first: NextRequest | Inner<unknown>, event?: unknown) =>
    typeof first === 'function' ? (request: NextRequest, event?: unknown) => guard(request, event, first) : guard(first, event)
  return {
    auth: authOf(app),
    handlers: newHandlers(app),
    signIn: signInOf(app),
    signOut: signOutOf(app),
    proxy: proxy as Proxy,
    getAccessToken: getAccessTokenOf(app),
  }
}
