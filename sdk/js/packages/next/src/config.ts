import { AuthError } from './errors.js'
import type { Matcher, Pattern } from './matcher.js'
import type { RevocationStore } from './revocations.js'

// Options configure how an application signs people in. Those left out come from the
// environment, from the variables that Auth.js uses for a provider called latchkey.
export interface Options {
  /** LATCHKEY_PUBLIC_URL of the Latchkey service. Default: AUTH_LATCHKEY_ISSUER. */
  issuer?: string | undefined
  /** Default: AUTH_LATCHKEY_ID. */
  clientId?: string | undefined
  /** Default: AUTH_LATCHKEY_SECRET. */
  clientSecret?: string | undefined
  /**
   * Encrypts the application's cookies; at least 32 characters (`openssl rand -base64 32`). Of several, the first one
   * encrypts and all decrypt: put a new one first to rotate it. Default: AUTH_SECRET.
   */
  secret?: string | readonly string[] | undefined
  /**
   * The application's own address, such as https://app.example.com. Default: AUTH_URL, or else that of the request
   * (X-Forwarded-Host and X-Forwarded-Proto, or Host). Set it in production.
   */
  baseUrl?: string | undefined
  /** Where `handlers` are served. Default: /api/auth. */
  basePath?: string | undefined
  /**
   * `oauth`, the default, works anywhere: the application has a session of its own. `cookie` is for deployments in
   * which Latchkey's own cookie reaches the application: on the same host, or below LATCHKEY_COOKIE_DOMAIN.
   */
  mode?: 'oauth' | 'cookie' | undefined
  /** The scopes to request. Default: openid profile email wallets. */
  scope?: string | undefined
  /** The API that access tokens are for (RFC 8707). */
  resource?: string | undefined
  /** The page that people who are not onboarded are sent to, from any other, such as /signup. */
  onboarding?: string | undefined
  /** The paths that `proxy` opens to signed-in people only. */
  protect?: readonly Pattern[] | Matcher | undefined
  /**
   * Remembers which sessions have ended, for all servers of the application: then a logout works everywhere at once, and
   * Latchkey is not asked between two refreshes. Without one, each server asks Latchkey at most once a minute.
   */
  revocations?: RevocationStore | undefined
  /** The name of the cookie, without `__Host-`. Default: latchkey-session. */
  cookieName?: string | undefined
  /** How many seconds the cookie is kept without being used. Default: 30 days. */
  maxAge?: number | undefined
  /** How many milliseconds a response of Latchkey may take. Default: 5000. */
  timeout?: number | undefined
  /**
   * How many reverse proxies of yours in front of this server add to X-Forwarded-For, which gives the address of the
   * person for teams with `allowed_networks`. Default: 0, which trusts none.
   */
  trustedProxies?: number | undefined
  /** Default: the global one. */
  fetch?: typeof fetch | undefined
}

// Config is Options after validation, with the defaults.
export interface Config {
  issuer: string
  clientId: string
  clientSecret: string
  secrets: readonly string[]
  baseUrl: string | undefined
  basePath: string
  mode: 'oauth' | 'cookie'
  scope: string
  resource: string | undefined
  onboarding: string | undefined
  cookieName: string
  maxAge: number
  timeout: number
  trustedProxies: number
  fetch: typeof fetch
}

// isLoopback reports whether a host is this machine, where http is safe.
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '127.0.0.1' || host === '[::1]'
}

// readOptions is called on first use, not when the module is loaded: `next build` loads it
// without the secrets.
export function readOptions(options: Options, env: Record<string, string | undefined>): Config {
  const need = (name: string, value: string | undefined, variable: string): string => {
    if (!value) throw new AuthError('configuration', `@latchkey/next: set ${variable}, or the option ${name}`)
    return value
  }
  const mode = options.mode ?? 'oauth'
  const oauth = mode === 'oauth'
  const secret = options.secret ?? env['AUTH_SECRET']
  const secrets = typeof secret === 'string' ? [secret] : (secret ?? [])
  if (oauth) {
    need('secret', secrets[0], 'AUTH_SECRET')
    if (secrets.some((one) => one.length < 32)) {
      throw new AuthError('configuration', '@latchkey/next: a secret must have at least 32 characters: openssl rand -base64 32')
    }
  }
  const baseUrl = options.baseUrl ?? env['AUTH_URL']
  // Without one, every path would belong to the handlers, and the proxy would protect nothing.
  const basePath = (options.basePath ?? '/api/auth').replace(/\/+$/, '')
  if (!/^\/[^/]/.test(basePath)) throw new AuthError('configuration', '@latchkey/next: basePath must be a path such as /api/auth')
  return {
    issuer: originOf('issuer', need('issuer', options.issuer ?? env['AUTH_LATCHKEY_ISSUER'], 'AUTH_LATCHKEY_ISSUER')),
    clientId: oauth ? need('clientId', options.clientId ?? env['AUTH_LATCHKEY_ID'], 'AUTH_LATCHKEY_ID') : (options.clientId ?? env['AUTH_LATCHKEY_ID'] ?? ''),
    clientSecret: oauth ? need('clientSecret', options.clientSecret ?? env['AUTH_LATCHKEY_SECRET'], 'AUTH_LATCHKEY_SECRET') : '',
    secrets,
    baseUrl: baseUrl ? originOf('baseUrl', baseUrl) : undefined,
    basePath,
    mode,
    scope: options.scope ?? 'openid profile email wallets',
    resource: options.resource,
    onboarding: options.onboarding,
    cookieName: options.cookieName ?? 'latchkey-session',
    maxAge: options.maxAge ?? 30 * 24 * 3600,
    timeout: options.timeout ?? 5000,
    trustedProxies: options.trustedProxies ?? 0,
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
  }
}

function originOf(name: string, raw: string): string {
  const url = URL.canParse(raw) ? new URL(raw) : undefined
  if (!url || !(url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)))) {
    throw new AuthError('configuration', `@latchkey/next: ${name} must be an https URL, or http on this machine: ${raw}`)
  }
  return url.origin
}
