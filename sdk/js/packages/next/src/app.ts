import type { Session } from '@latchkey/react/session'
import { type Config, isLoopback, type Options, readOptions } from './config.js'
import { type CookieNames, type CookieWrite, candidates, cookieNames, type Jar, writeCookie } from './cookies.js'
import { AuthError, isUnavailable, unavailable } from './errors.js'
import { Forwarder } from './forward.js'
import { Keeper, type Standing } from './keeper.js'
import { Remote } from './remote.js'
import { Revocations } from './revocations.js'
import { newSealer, type Sealer } from './seal.js'
import { type Stored, sessionOf } from './session.js'

// Outcome is who sent a request, and the cookies to set.
export interface Outcome {
  /** `none`: the request has no session of this application. */
  state: 'none' | Standing['state']
  session: Session | null
  error?: AuthError
  writes: CookieWrite[]
}

// App is the state of one application in one process. Next.js loads the proxy, pages and
// route handlers as separate bundles, which share it: a logout that one of them receives
// counts for all, and Latchkey is not asked twice.
export class App {
  readonly config: Config
  readonly sealer: Sealer
  readonly remote: Remote
  readonly revocations: Revocations
  readonly keeper: Keeper
  /** With `mode: 'cookie'` only. */
  readonly forwarder: Forwarder | undefined

  constructor(options: Options, config: Config) {
    this.config = config
    this.sealer = newSealer(config.secrets, `${config.issuer} ${config.clientId}`)
    this.remote = new Remote(config)
    this.revocations = new Revocations(options.revocations)
    this.keeper = new Keeper(this.remote, this.revocations)
    this.forwarder = config.mode === 'cookie' ? new Forwarder(config) : undefined
  }

  // originFor returns the origin of the application, as the person's browser sees it.
  originFor(headers: Headers): string {
    if (this.config.baseUrl) return this.config.baseUrl
    const first = (name: string) => headers.get(name)?.split(',')[0]?.trim()
    const host = first('x-forwarded-host') ?? headers.get('host') ?? ''
    const protocol = first('x-forwarded-proto') === 'https' ? 'https' : 'http'
    const url = URL.canParse(`${protocol}://${host}`) ? new URL(`${protocol}://${host}`) : undefined
    if (!url || (url.protocol === 'http:' && !isLoopback(url.hostname))) {
      throw new AuthError('configuration', '@latchkey/next: set AUTH_URL to the https address of the application')
    }
    return url.origin
  }

  namesFor(headers: Headers): CookieNames {
    return cookieNames(this.config.cookieName, this.originFor(headers))
  }

  // clientIp returns the address of the person, if a trusted proxy names it.
  clientIp(headers: Headers): string | undefined {
    const hops = (headers.get('x-forwarded-for') ?? '').split(',').map((hop) => hop.trim())
    return this.config.trustedProxies > 0 ? hops[hops.length - this.config.trustedProxies] || undefined : undefined
  }

  // storedIn returns the session in the cookies of a request, undefined if there is none.
  async storedIn(jar: Jar, names: CookieNames): Promise<Stored | undefined> {
    for (const candidate of candidates(jar, names.session)) {
      const stored = await this.sealer.open<Stored>('session', candidate)
      if (stored) return stored
    }
    return undefined
  }

  // keep returns the cookies that store a session; null removes it.
  async keep(jar: Jar, names: CookieNames, stored: Stored | null): Promise<CookieWrite[]> {
    const { maxAge } = this.config
    const sealed = stored && (await this.sealer.seal('session', stored, maxAge))
    const writes = writeCookie(jar, names.session, sealed, names.secure, maxAge)
    if (!writes) throw new AuthError('configuration', '@latchkey/next: the session is too large for cookies: ask for fewer scopes')
    return writes
  }

  // outcome returns who sent a request.
  async outcome(jar: Jar, headers: Headers, renew = false): Promise<Outcome> {
    if (this.forwarder) return this.#forwarded(this.forwarder, headers, renew)
    const names = this.namesFor(headers)
    const stored = await this.storedIn(jar, names)
    if (!stored) {
      return { state: 'none', session: null, writes: candidates(jar, names.session).length ? await this.keep(jar, names, null) : [] }
    }
    const ip = this.clientIp(headers)
    const standing = await (renew ? this.keeper.renew(stored, ip) : this.keeper.standing(stored, ip))
    return this.outcomeOf(standing, stored, jar, names)
  }

  async #forwarded(forwarder: Forwarder, headers: Headers, now: boolean): Promise<Outcome> {
    try {
      const session = await forwarder.session(headers, this.clientIp(headers), now)
      return { state: session ? 'active' : 'none', session, writes: [] }
    } catch (error) {
      if (error instanceof AuthError && !isUnavailable(error)) return { state: 'refused', session: null, error, writes: [] }
      return { state: 'unavailable', session: null, error: isUnavailable(error) ? error : unavailable('the session cannot be checked', error), writes: [] }
    }
  }

  async outcomeOf(standing: Standing, before: Stored | undefined, jar: Jar, names: CookieNames): Promise<Outcome> {
    switch (standing.state) {
      case 'active': {
        const { stored } = standing
        const changed = stored !== before
        const session = sessionOf(stored, Math.floor(Date.now() / 1000) + this.config.maxAge)
        return { state: 'active', session, writes: changed ? await this.keep(jar, names, stored) : [] }
      }
      case 'ended':
        return { state: 'ended', session: null, writes: await this.keep(jar, names, null) }
      default:
        return { state: standing.state, session: null, error: standing.error, writes: [] }
    }
  }
}

const shared = globalThis as { [key: symbol]: Map<string, App> | undefined }
const place = Symbol.for('@latchkey/next')
shared[place] ??= new Map()
const apps = shared[place]

// appFor returns a function that returns the App of some options, created on first use.
export function appFor(options: Options): () => App {
  let app: App | undefined
  return () => {
    if (app) return app
    const config = readOptions(options, process.env)
    const { fetch: _, ...values } = config
    const key = JSON.stringify([values, options.revocations !== undefined])
    app = options.fetch ? undefined : apps.get(key)
    if (!app) {
      app = new App(options, config)
      if (!options.fetch) apps.set(key, app)
    }
    return app
  }
}
