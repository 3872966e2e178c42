import type { Role, Session, Wallet } from '@latchkey/react/session'
import type { Config } from './config.js'
import type { Jar } from './cookies.js'
import { AuthError, unavailable } from './errors.js'
import { checkEvery } from './keeper.js'
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

  constructor(config: Config) {
    this.#config = config
  }

  // session returns who is signed in, at most a minute ago.
  async session(jar: Jar, headers: Headers, clientIp: string | undefined, now: boolean): Promise<Session | null> {
    const cookie = cookieOf(jar)
    if (!cookie) return null
    const key = `${clientIp} ${cookie}`
    const known = this.#known.get(key)
    if (!now && known && Date.now() - known.at < checkEvery * 1000) return known.session
    const ask = async () => {
      const response = await this.#call('GET', '/v1/session', jar, headers, clientIp)
      const session = response.ok ? sessionOf((await response.json()) as CurrentSession) : null
      this.#known.set(key, { at: Date.now(), session })
      return session
    }
    return now ? this.#asking.after(key, ask) : this.#asking.join(key, ask)
  }

  async signOut(jar: Jar, headers: Headers, clientIp: string | undefined): Promise<void> {
    const cookie = cookieOf(jar)
    if (!cookie) return
    await this.#call('DELETE', '/v1/session', jar, headers, clientIp)
    this.#known.set(`${clientIp} ${cookie}`, { at: Date.now(), session: null })
  }

  async accessToken(jar: Jar, headers: Headers, clientIp: string | undefined): Promise<string> {
    const team = (await this.session(jar, headers, clientIp, false))?.team?.id
    const response = await this.#call('POST', '/v1/token', jar, headers, clientIp, { client_id: this.#config.clientId, ...(team && { team_id: team }) })
    if (!response.ok) throw new AuthError('unauthenticated', 'no one is signed in')
    return ((await response.json()) as { access_token: string }).access_token
  }

  async #call(method: string, path: string, jar: Jar, headers: Headers, clientIp: string | undefined, body?: object): Promise<Response> {
    const { issuer, timeout } = this.#config
    const agent = headers.get('user-agent')
    let response
    try {
      response = await this.#config.fetch(issuer + path, {
        method,
        headers: {
          cookie: cookieOf(jar),
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
      throw unavailable(`${issuer}${path} does not answer`, error)
    }
    if (!response.ok && response.status !== 401 && response.status !== 403) throw unavailable(`${issuer}${path} answers ${response.status}`)
    return response
  }
}

function cookieOf(jar: Jar): string {
  return theirs
    .map((name) => [name, jar.get(name)] as const)
    .filter(([, value]) => value)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')
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
