import { createKeys, LatchkeyError } from '@latchkey/server'
import { type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import type { Config } from './config.js'
import { AuthError, unavailable } from './errors.js'
import { Pauses, pauseOf } from './pauses.js'

// Grant is a response of the token endpoint.
export interface Grant {
  access_token: string
  expires_in: number
  id_token: string
  refresh_token?: string
}

// Introspection is the current state of an access token (RFC 7662).
export interface Introspection {
  active: boolean
  sub?: string
  team?: string
  role?: string
  auth_time?: number
}

// Refused is an error response of Latchkey: `invalid_grant` once a session has ended.
export class Refused extends Error {
  // As with AuthError.
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'Refused'
  }

  readonly error: string
  readonly code: string | undefined

  constructor(error: string, code: string | undefined, description: string | undefined) {
    super(description ?? error)
    this.name = 'Refused'
    this.error = error
    this.code = code
  }
}

// In seconds. Both clocks may be five seconds off.
const clockTolerance = 10

// Remote calls Latchkey, as a client.
export class Remote {
  readonly #config: Config
  readonly #keys: ReturnType<typeof createKeys>
  /** By the path that is called. */
  readonly #pauses = new Map<string, Pauses>()

  constructor(config: Config) {
    this.#config = config
    this.#keys = createKeys({
      issuer: config.issuer,
      timeout: config.timeout,
      fetch: ({ url, headers, redirect, signal }) => config.fetch(url, { headers, redirect, signal, cache: 'no-store' }),
    })
  }

  // reach fails while Latchkey is away: a browser that was sent there would show an error page
  // of its own.
  async reach(): Promise<void> {
    const { issuer, timeout } = this.#config
    let status
    try {
      const response = await this.#config.fetch(`${issuer}/.well-known/jwks.json`, { cache: 'no-store', signal: AbortSignal.timeout(timeout) })
      status = response.status
      await response.body?.cancel()
    } catch (error) {
      throw unavailable(`${issuer} does not answer`, error)
    }
    if (status !== 200) throw unavailable(`${issuer} answers ${status}`)
  }

  // exchange trades a code for tokens. It is always sent: the person is waiting for it.
  exchange(code: string, redirectUri: string, verifier: string): Promise<Grant> {
    return this.#grant({ grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier })
  }

  refresh(token: string, clientIp: string | undefined, resource?: string): Promise<Grant> {
    return this.#grant({ grant_type: 'refresh_token', refresh_token: token, client_ip: clientIp, resource }, token)
  }

  async introspect(token: string, clientIp: string | undefined): Promise<Introspection> {
    const answer = await this.#post('/oauth2/introspect', { token, client_ip: clientIp }, token)
    if (typeof answer['active'] !== 'boolean') throw unavailable('Latchkey did not introspect a token')
    return answer as unknown as Introspection
  }

  // revoke ends the session of a token.
  async revoke(token: string): Promise<void> {
    await this.#post('/oauth2/revoke', { token })
  }

  // verifyIDToken checks an ID token (OpenID Connect Core, section 3.1.3.7). One that came with
  // a refresh has no nonce.
  async verifyIDToken(raw: string, nonce?: string): Promise<JWTPayload> {
    const claims = await this.#verify(raw, { requiredClaims: ['exp', 'iat', 'sub', 'sid'] })
    if (claims['azp'] !== undefined && claims['azp'] !== this.#config.clientId) throw invalid('an ID token is for another application')
    if (nonce !== undefined && claims['nonce'] !== nonce) throw invalid('an ID token is not for this sign-in')
    return claims
  }

  // verifyLogoutToken checks a logout token (OpenID Connect Back-Channel Logout 1.0, section 2.6).
  async verifyLogoutToken(raw: string): Promise<JWTPayload> {
    const claims = await this.#verify(raw, { typ: 'logout+jwt', requiredClaims: ['exp', 'iat', 'jti', 'events'] })
    const events = claims['events'] as Record<string, unknown> | null
    if (typeof events !== 'object' || events === null || typeof events['http://schemas.openid.net/event/backchannel-logout'] !== 'object') {
      throw invalid('this is not a logout token')
    }
    if (claims['nonce'] !== undefined || !(claims.sub || claims['sid'])) throw invalid('this is not a logout token')
    return claims
  }

  async #verify(raw: string, options: JWTVerifyOptions): Promise<JWTPayload> {
    const { issuer, clientId: audience } = this.#config
    try {
      const { payload } = await jwtVerify(raw, this.#keys, { issuer, audience, algorithms: ['RS256', 'ES256', 'EdDSA', 'Ed25519'], clockTolerance, ...options })
      return payload
    } catch (error) {
      throw error instanceof LatchkeyError ? unavailable(error.message, error.cause) : invalid('a token does not verify', error)
    }
  }

  async #grant(form: Record<string, string | undefined>, person?: string): Promise<Grant> {
    const answer = await this.#post('/oauth2/token', form, person)
    const { access_token, expires_in, id_token, refresh_token } = answer
    if (typeof access_token !== 'string' || typeof id_token !== 'string' || typeof expires_in !== 'number') {
      throw unavailable('Latchkey gave no tokens; the scope needs openid')
    }
    return { access_token, expires_in, id_token, ...(typeof refresh_token === 'string' && { refresh_token }) }
  }

  // post calls Latchkey for a person, who is named by a token of theirs. Without one the
  // call is sent in any case.
  async #post(path: string, form: Record<string, string | undefined>, person?: string): Promise<Record<string, unknown>> {
    const pauses = this.#pausesOf(path)
    if (person !== undefined && pauses.isPaused(person)) throw unavailable('Latchkey did not answer a moment ago')
    const { issuer, clientId, clientSecret, timeout } = this.#config
    const body = new URLSearchParams(Object.entries(form).filter((field): field is [string, string] => field[1] !== undefined))
    const encoded = (text: string) => encodeURIComponent(text).replace(/%20/g, '+')
    const failed = (message: string, headers?: Headers, cause?: unknown): AuthError => {
      if (person !== undefined) pauses.failed(person, pauseOf(headers))
      return unavailable(message, cause)
    }
    let response: Response
    let text: string
    try {
      response = await this.#config.fetch(issuer + path, {
        method: 'POST',
        // RFC 6749, section 2.3.1: both are form-encoded first.
        headers: { authorization: `Basic ${btoa(`${encoded(clientId)}:${encoded(clientSecret)}`)}`, accept: 'application/json' },
        body,
        redirect: 'error',
        cache: 'no-store',
        signal: AbortSignal.timeout(timeout),
      })
      text = await response.text()
    } catch (error) {
      throw failed(`${issuer}${path} does not answer`, undefined, error)
    }
    const { status, headers } = response
    if (status === 429) {
      if (person !== undefined) pauses.limited(person, pauseOf(headers))
      throw unavailable(`${issuer}${path} wants fewer requests`)
    }
    const answer = objectIn(text)
    const [error, code, description] = [answer?.['error'], answer?.['code'], answer?.['error_description']].map((field) => (typeof field === 'string' ? field : undefined))
    const isOk = status >= 200 && status < 300
    if (!answer || (!isOk && (status >= 500 || status < 400 || !error))) throw failed(`${issuer}${path} answers ${status}`, headers)
    pauses.answered()
    if (isOk) return answer
    if (error === 'invalid_client') throw new AuthError('configuration', `@latchkey/next: Latchkey does not know this clientId and clientSecret (${description ?? error})`)
    throw new Refused(error!, code, description)
  }

  #pausesOf(path: string): Pauses {
    const known = this.#pauses.get(path) ?? new Pauses()
    this.#pauses.set(path, known)
    return known
  }
}

// objectIn reads a JSON object; {} of nothing, and undefined of anything else.
function objectIn(text: string): Record<string, unknown> | undefined {
  if (!text) return {}
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function invalid(message: string, cause?: unknown): AuthError {
  return new AuthError('invalid_answer', message, { cause })
}
