import { beginsOnPage } from '@latchkey/client'
import type { SignInOptions } from '@latchkey/react/session'
import type { App } from './app.js'
import { type CookieWrite, type Jar, writeCookie } from './cookies.js'
import { AuthError } from './errors.js'
import type { Forwarder } from './forward.js'
import { Refused } from './remote.js'
import { returnPath } from './return-to.js'
import { claimsOf } from './session.js'

// Trip is a sign-in that is under way, in a cookie of the browser that began it.
interface Trip {
  state: string
  nonce: string
  verifier: string
  redirectUri: string
  to: string
}

// A sign-in at Latchkey may take an hour.
const tripLifetime = 3600
// More than a person has open. Their cookies are removed with the next one.
const maxTrips = 5

function random(): string {
  return encode(crypto.getRandomValues(new Uint8Array(32)))
}

function encode(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=/g, '')
}

// beginSignIn returns where to send the browser (OpenID Connect Core, section 3.1.2.1, with
// PKCE, RFC 7636), and the cookies of the sign-in.
export async function beginSignIn(app: App, jar: Jar, headers: Headers, provider: string | undefined, options: SignInOptions): Promise<{ url: string; writes: CookieWrite[] }> {
  const { config } = app
  const origin = app.originFor(headers)
  if (app.forwarder) return { url: await signInAt(app, app.forwarder, headers, provider, options), writes: [] }
  const names = app.namesFor(headers)
  const trip: Trip = {
    state: random(),
    nonce: random(),
    verifier: random(),
    redirectUri: `${origin}${config.basePath}/callback`,
    to: returnPath(options.redirectTo, origin, config.basePath),
  }
  const challenge = encode(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(trip.verifier))))
  const asked: Record<string, string | undefined> = {
    client_id: config.clientId,
    redirect_uri: trip.redirectUri,
    response_type: 'code',
    scope: config.scope,
    state: trip.state,
    nonce: trip.nonce,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    resource: config.resource,
    team: options.team,
    prompt: options.prompt,
    login_hint: options.loginHint,
  }
  const query = new URLSearchParams(Object.entries(asked).filter((field): field is [string, string] => Boolean(field[1])))
  let path = `/oauth2/authorize?${query}`
  // With a prompt, the sign-in has to follow the request at Latchkey.
  if (isDirect(provider) && !options.prompt) {
    const back = `/sign-in?${new URLSearchParams({ return_to: path, done: provider })}`
    path = `/v1/auth/${provider}/start?${new URLSearchParams({ purpose: 'sign_in', return_to: back })}`
  }
  const sealed = await app.sealer.seal('sign-in', trip, tripLifetime)
  const writes = writeCookie(jar, tripCookie(names.signIn, trip.state), sealed, names.secure, tripLifetime) ?? []
  const others = jar.names().filter((name) => name.startsWith(`${names.signIn}-`))
  if (others.length >= maxTrips) writes.push(...others.map((name) => removal(name, names.secure)))
  return { url: config.issuer + path, writes }
}

// signInAt returns where a sign-in begins that needs no session of the application's own:
// on Latchkey's pages, which lead back to addresses of LATCHKEY_ALLOWED_ORIGINS.
async function signInAt(app: App, forwarder: Forwarder, headers: Headers, provider: string | undefined, options: SignInOptions): Promise<string> {
  const { issuer, basePath } = app.config
  const { team, prompt, loginHint } = options
  const origin = app.originFor(headers)
  const to = returnPath(options.redirectTo, origin, basePath)
  let back = origin + to
  if (team) {
    // Those who are signed in already need not sign in for it.
    if (!prompt && (await entered(forwarder, team, headers, app.clientIp(headers)))) return to
    back = `${origin}${basePath}/signin?${new URLSearchParams({ team, redirectTo: to })}`
  }
  const query = new URLSearchParams({ return_to: back, ...(loginHint && { login_hint: loginHint }) })
  // A provider may know the person without asking: the page lets them verify, or choose.
  return isDirect(provider) && !prompt ? `${issuer}/v1/auth/${provider}/start?purpose=sign_in&${query}` : `${issuer}/sign-in?${query}`
}

// entered makes the session active in a team, and reports whether there is a session.
async function entered(forwarder: Forwarder, team: string, headers: Headers, clientIp: string | undefined): Promise<boolean> {
  try {
    await forwarder.enter(team, headers, clientIp)
    return true
  } catch (error) {
    if (error instanceof AuthError && error.code === 'unauthenticated') return false
    throw error
  }
}

// isDirect reports whether a sign-in with a provider needs no page of Latchkey.
function isDirect(provider: string | undefined): provider is string {
  return provider !== undefined && /^[a-z][a-z0-9_-]{0,63}$/.test(provider) && !beginsOnPage(provider)
}

// Tabs can sign in at once.
function tripCookie(name: string, state: string): string {
  return `${name}-${state.slice(0, 8)}`
}

function removal(name: string, secure: boolean): CookieWrite {
  return { name, value: '', httpOnly: true, secure, sameSite: 'lax', path: '/', maxAge: 0 }
}

// Arrival is a finished sign-in: where to go, and the cookies to set.
export interface Arrival {
  to: string
  writes: CookieWrite[]
  error?: AuthError
}

// finishSignIn checks the response to a sign-in: it must come from Latchkey (iss, RFC 9207),
// in the browser that started the sign-in (state), and for this sign-in (nonce).
export async function finishSignIn(app: App, jar: Jar, headers: Headers, answer: URLSearchParams): Promise<Arrival> {
  const names = app.namesFor(headers)
  const state = answer.get('state') ?? ''
  const cookie = tripCookie(names.signIn, state)
  const trip = await app.sealer.open<Trip>('sign-in', jar.get(cookie) ?? '')
  if (!trip || trip.state !== state) {
    return { to: '/', writes: [], error: new AuthError('invalid_answer', 'this is not an answer to a sign-in that this browser began in the last hour') }
  }
  const done: Arrival = { to: trip.to, writes: [removal(cookie, names.secure)] }
  try {
    return { ...done, writes: [...done.writes, ...(await redeem(app, jar, headers, answer, trip))] }
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    return { ...done, error }
  }
}

async function redeem(app: App, jar: Jar, headers: Headers, answer: URLSearchParams, trip: Trip): Promise<CookieWrite[]> {
  if (answer.get('iss') !== app.config.issuer) throw new AuthError('invalid_answer', 'this is not an answer of Latchkey')
  const refusal = answer.get('error')
  if (refusal) throw new AuthError('denied', `Latchkey answered ${refusal}`)
  const code = answer.get('code')
  if (!code) throw new AuthError('invalid_answer', 'this answer has no code')
  let grant
  try {
    grant = await app.remote.exchange(code, trip.redirectUri, trip.verifier)
  } catch (error) {
    if (error instanceof Refused) throw new AuthError('invalid_answer', `Latchkey did not take the code: ${error.message}`, { cause: error })
    throw error
  }
  await app.remote.verifyIDToken(grant.id_token, trip.nonce)
  const standing = await app.keeper.begin(grant)
  if (standing.state !== 'active') throw new AuthError('denied', 'the session has ended meanwhile')
  const names = app.namesFor(headers)
  await replace(app, await app.storedIn(jar, names), claimsOf(standing.stored).sid)
  return app.keep(jar, names, standing.stored)
}

// replace ends the session that the browser had before.
async function replace(app: App, old: Awaited<ReturnType<App['storedIn']>>, by: string): Promise<void> {
  if (!old || claimsOf(old).sid === by) return
  try {
    await endAtBoth(app, old)
  } catch {
    // It expires, since it is not used.
  }
}

// endAtBoth ends a session here and at Latchkey. If one of them fails, the session still ends
// at the other.
async function endAtBoth(app: App, stored: NonNullable<Awaited<ReturnType<App['storedIn']>>>): Promise<void> {
  const done = await Promise.allSettled([app.keeper.end(stored), app.remote.revoke(stored.refresh ?? stored.access)])
  for (const one of done) if (one.status === 'rejected') throw one.reason
}

// endSession ends the session of a browser, and returns where Latchkey ends its own
// (OpenID Connect RP-Initiated Logout 1.0), or where to go on if that is not possible.
export async function endSession(app: App, jar: Jar, headers: Headers, redirectTo: string | undefined): Promise<{ url: string; writes: CookieWrite[] }> {
  const { config } = app
  const origin = app.originFor(headers)
  if (app.forwarder) {
    const writes = await app.forwarder.signOut(headers, app.clientIp(headers))
    return { url: returnPath(redirectTo, origin, config.basePath), writes }
  }
  const names = app.namesFor(headers)
  const to = returnPath(redirectTo, origin, config.basePath)
  const writes = await app.keep(jar, names, null)
  const stored = await app.storedIn(jar, names)
  if (!stored) return { url: to, writes }
  try {
    await endAtBoth(app, stored)
  } catch {
    return { url: to, writes } // no one has its tokens now
  }
  const query = new URLSearchParams({ id_token_hint: stored.id, client_id: config.clientId, post_logout_redirect_uri: `${origin}${config.basePath}/signed-out`, state: to })
  return { url: `${config.issuer}/oauth2/logout?${query}`, writes }
}
