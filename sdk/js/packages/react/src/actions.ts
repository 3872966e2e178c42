import type { SignInOptions as Options, Session } from './session.js'

// The handlers of the application.
let base = '/api/auth'

export function setBasePath(path: string): void {
  base = path
}

export interface SignInOptions extends Options {
  /** redirectTo, as Auth.js calls it. Default: this page. */
  callbackUrl?: string | undefined
}

const here = () => (typeof location === 'undefined' ? undefined : location.pathname + location.search)

// signInUrl returns where a sign-in starts.
export function signInUrl(provider?: string, { redirectTo, callbackUrl, ...rest }: SignInOptions = {}): string {
  const fields = Object.entries({ provider, redirectTo: redirectTo ?? callbackUrl, ...rest }).filter((field): field is [string, string] => field[1] !== undefined)
  return `${base}/signin?${new URLSearchParams(fields)}`
}

// signIn leaves the page to sign in. Without a provider the person chooses one.
export function signIn(provider?: string, options: SignInOptions = {}): void {
  const redirectTo = options.redirectTo ?? options.callbackUrl ?? here()
  location.assign(signInUrl(provider, { ...options, ...(redirectTo !== undefined && { redirectTo }) }))
}

// signOut signs out, here and in Latchkey, and then opens a path of the application.
export async function signOut({ redirectTo, callbackUrl }: Pick<SignInOptions, 'redirectTo' | 'callbackUrl'> = {}): Promise<void> {
  const answer = await fetch(`${base}/signout`, {
    method: 'POST',
    headers: { accept: 'application/json' },
    body: new URLSearchParams({ redirectTo: redirectTo ?? callbackUrl ?? '/' }),
  })
  if (!answer.ok) throw new Error(`signing out was answered with ${answer.status}`)
  const { url } = (await answer.json()) as { url: string }
  announce()
  location.assign(url)
}

// Unavailable is thrown if the server does not know who is signed in.
export class Unavailable extends Error {}

// getSession asks the server who is signed in; with POST, the server asks Latchkey.
export async function getSession(method: 'GET' | 'POST' = 'GET'): Promise<Session | null> {
  const answer = await fetch(`${base}/session`, { method, cache: 'no-store' })
  if (!answer.ok) throw new Unavailable(`the session was answered with ${answer.status}`)
  return (await answer.json()) as Session | null
}

const channel = 'latchkey'

// announce makes the other tabs ask again.
export function announce(): void {
  if (typeof BroadcastChannel === 'undefined') return
  const sender = new BroadcastChannel(channel)
  sender.postMessage('changed')
  sender.close()
}

// onAnnounced calls back when another tab changed something. The returned function stops it.
export function onAnnounced(callback: () => void): () => void {
  if (typeof BroadcastChannel === 'undefined') return () => undefined
  const receiver = new BroadcastChannel(channel)
  receiver.onmessage = callback
  return () => receiver.close()
}
