import type { Role, Session, Wallet } from '@latchkey/react/session'
import type { Config } from './config.js'
import { type CookieWrite, headerOf, pairsOf } from './cookies.js'
import { AuthError, unavailable } from './errors.js'
import { checkEvery } from './keeper.js'
import { Pauses, pauseOf } from './pauses.js'
import { Flights, Recent } from './recent.js'

// The names of Latchkey's own cookie: on https, for a domain, and on http on this machine.
const theirs = ['__Host-latchkey', '__Secure-latchkey', 'latchkey']

interface CurrentSession {
  user: { id: string; display_name: string; avatar_url: string; primary_email: string | null; onboarded_at: string | null }
  former_ids: string[]
  session: { id: string; methods: string[]; authenticated_at: string; idle_expires_at: string }
  identity?: { wallet?: Wallet }
  team_session?: { team_id: string; role: Role }
}

// Forwarder asks Latchkey with the person's own cookie, for deployments in which it reaches
// the application. Their user agent and address go along, so that it sees them and not the
// application; it believes the address if the application is in LATCHKEY_TRUSTED_PROXIES.
export class Forwarder {
  readonly #config: Config
  readonly #asking = new Flights<Session | null>()
  readonly #known = new Recent<{ at: number; session: Session | null }>(5000)
  /** The cookies of sessions that were signed out here: an answer that was on its way revives none. */
  readonly #signedOut = new Recent<true>(5000)
  readonly #pauses = new Pauses()

  constructor(config: Config) {
    this.#config = config
  }

  // session returns who is signed in, at most a minute ago, or now.
  async session(headers: Headers, clientIp: string | undefined, now: boolean): Promise<Session | null> {
    const cookie = cookieOf(headers)
    if (!cookie || this.#signedOut.get(cookie)) return null
    const key = `${clientIp} ${cookie}`
    const known = this.#known.get(key)
    if (!now && known && Date.now() - known.at < checkEvery * 1000) return known.session
    const ask = async () => {
      const response = await this.#call('GET', '/v1/session', headers, clientIp)
      if (!response.ok && response.status !== 401) throw await errorOf(response)
      const session = response.ok ? sessionOf((await response.json()) as CurrentSession) : null
      if (this.#signedOut.get(cookie)) return null
      this.#known.set(key, { at: Date.now(), session })
      return session
    }
    return now ? this.#asking.after(key, ask) : this.#asking.join(key, ask)
  }

  // signOut ends the session, and returns what takes Latchkey's cookie from the browser.
  async signOut(headers: Headers, clientIp: string | undefined): Promise<CookieWrite[]> {
    const cookie = cookieOf(headers)
    if (!cookie) return []
    const response = await this.#call('DELETE', '/v1/session', headers, clientIp, undefined, true)
    if (!response.ok && response.status !== 401) throw await errorOf(response)
    this.#signedOut.set(cookie, true)
    return removalsIn(response.headers.getSetCookie())
  }

  // enter makes the session active in a team.
  async enter(team: string, headers: Headers, clientIp: string | undefined): Promise<void> {
    if (!cookieOf(headers)) throw new AuthError('unauthenticated', 'no one is signed in')
    const response = await this.#call('POST', `/v1/teams/${encodeURIComponent(team)}/sessions`, headers, clientIp)
    if (response.status === 404 || response.status === 400) throw new AuthError('forbidden', 'the user is not in this team')
    if (!response.ok) throw await errorOf(response)
    await this.session(headers, clientIp, true)
  }

  async accessToken(headers: Headers, clientIp: string | undefined): Promise<string> {
    const session = await this.session(headers, clientIp, false)
    if (!session) throw new AuthError('unauthenticated', 'no one is signed in')
    const { clientId } = this.#config
    const response = await this.#call('POST', '/v1/token', headers, clientIp, { ...(clientId && { client_id: clientId }), ...(session.team && { team_id: session.team.id }) })
    if (response.status === 400 || response.status === 404) {
      throw new AuthError('configuration', `@latchkey/next: Latchkey gives no tokens for ${clientId || 'the default client'}: set clientId to one of LATCHKEY_CLIENTS`)
    }
    if (!response.ok) throw await errorOf(response)
    return ((await response.json()) as { access_token: string }).access_token
  }

  // call returns any answer of Latchkey but one that says that it cannot answer. What the
  // person waits for is sent in any case.
  async #call(method: string, path: string, headers: Headers, clientIp: string | undefined, body?: object, always = false): Promise<Response> {
    const { issuer, timeout } = this.#config
    const [cookie, agent] = [cookieOf(headers), headers.get('user-agent')]
    if (!always && this.#pauses.isPaused(cookie)) throw unavailable('Latchkey did not answer a moment ago')
    let response
    try {
      response = await this.#config.fetch(issuer + path, {
        method,
        headers: {
          cookie,
          ...(agent && { 'user-agent': agent }),
          ...(clientIp && { 'x-forwarded-for': clientIp }),
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
        cache: 'no-store',
        redirect: 'error',
        signal: AbortSignal.timeout(timeout),
      })
    } catch (error) {
      this.#pauses.failed(cookie, pauseOf())
      throw unavailable(`${issuer}${path} does not answer`, error)
    }
    if (response.status === 429) this.#pauses.limited(cookie, pauseOf(response.headers))
    else if (response.status >= 500) this.#pauses.failed(cookie, pauseOf(response.headers))
    else this.#pauses.answered()
    if (response.status >= 500 || response.status === 429) throw unavailable(`${issuer}${path} answers ${response.status}`)
    return response
  }
}

// errorOf reads why Latchkey refuses something to a person.
async function errorOf(response: Response): Promise<AuthError> {
  const { code, detail } = (await response.json().catch(() => ({}))) as { code?: unknown; detail?: unknown }
  const message = typeof detail === 'string' ? detail : `Latchkey answered ${response.status}`
  if (response.status === 401) return new AuthError('unauthenticated', message)
  if (response.status !== 403) return unavailable(message)
  return new AuthError(code === 'policy_unsatisfied' || code === 'reauth_required' ? code : 'forbidden', message)
}

// cookieOf returns Latchkey's cookie as the browser sent it. A subdomain can plant a second
// one: then there are both, and Latchkey takes neither.
function cookieOf(headers: Headers): string {
  return headerOf(pairsOf(headers.get('cookie')).filter(([name]) => theirs.includes(name)))
}

// removalsIn returns the cookies of Latchkey that its answer removes.
function removalsIn(lines: readonly string[]): CookieWrite[] {
  return lines.flatMap((line) => {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    if (value || !theirs.includes(name)) return []
    const domain = /;\s*domain=([^;]+)/i.exec(line)?.[1]
    return [{ name, value, httpOnly: true, secure: /;\s*secure/i.test(line), sameSite: 'lax', path: '/', maxAge: 0, ...(domain && { domain }) } satisfies CookieWrite]
  })
}

// sessionOf returns what an application sees. Of wallets Latchkey names only the one that the
// session was made with.
function sessionOf({ user, former_ids, session, identity, team_session }: CurrentSession): Session {
  return {
    id: session.id,
    user: {
      id: user.id,
      ...(user.display_name && { name: user.display_name }),
      ...(user.primary_email && { email: user.primary_email }),
      ...(user.avatar_url && { image: user.avatar_url }),
      wallets: identity?.wallet ? [identity.wallet] : [],
      onboarded: user.onboarded_at !== null,
      formerIds: former_ids,
    },
    ...(team_session && { team: { id: team_session.team_id, role: team_session.role } }),
    methods: session.methods,
    verifiedAt: session.authenticated_at,
    expires: session.idle_expires_at,
    app: {},
  }
}
