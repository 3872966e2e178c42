import { type Api, type ApiOptions, type components, createApi, errorOf, expected, LatchkeyError, unwrap } from '@latchkey/client'
import { type Authenticator, authenticator, invalidToken, principalOf } from './principal.js'

export interface ServiceOptions extends Pick<ApiOptions, 'fetch' | 'timeout'> {
  /** LATCHKEY_PUBLIC_URL. */
  issuer: string
  /** An API key of the service, `lk_…`. It must not get into a browser. */
  apiKey: string
}

/** serviceApi is the API, called with an API key. */
export function serviceApi({ issuer, apiKey, ...options }: ServiceOptions): Api {
  if (!URL.canParse(issuer)) throw new TypeError('issuer must be LATCHKEY_PUBLIC_URL')
  if (!apiKey) throw new TypeError('apiKey must not be empty')
  const api = createApi({ timeout: 5_000, ...options, baseUrl: issuer.replace(/\/+$/, ''), headers: { authorization: `Bearer ${apiKey}` } })
  api.use({ onResponse: ({ response }) => checkKey(response) })
  return api
}

// checkKey throws where the service refuses the API key. That is a fault of the application: a server that answered the
// status to the person whose request it serves would tell them that they are signed out.
async function checkKey(response: Response): Promise<undefined> {
  if (response.status !== 401 && response.status !== 403) return
  const cause = errorOf(
    await response
      .clone()
      .json()
      .catch(() => undefined),
    response,
  )
  if (response.status === 403 && cause.code !== 'insufficient_scope') return
  throw new LatchkeyError(`Latchkey refused the API key: ${cause.message}`, { code: 'api_key_refused', status: 500, requestId: cause.requestId, answered: true, cause })
}

export interface IntrospectorOptions extends ServiceOptions {
  /** The audience of this API: tokens for another one are refused. Session tokens have none, and are refused too. */
  audience?: string | undefined
}

export type Introspection = components['schemas']['Introspection']

export interface IntrospectionContext {
  /** The address of the client that uses the token. Without it, a team that limits networks refuses the session. */
  clientIp?: string | undefined
}

export interface Introspector extends Authenticator<IntrospectionContext> {
  /** introspect returns the current state of a token of any kind (RFC 7662). */
  introspect(token: string, context?: IntrospectionContext): Promise<Introspection>
}

/**
 * createIntrospector asks the service about each token, for backends where the five minutes of an
 * access token are too long. The key needs the scope `introspect`.
 */
export function createIntrospector({ audience, ...options }: IntrospectorOptions): Introspector {
  const api = serviceApi(options)
  async function introspect(token: string, { clientIp }: IntrospectionContext = {}): Promise<Introspection> {
    try {
      const answer = await unwrap(api.POST('/v1/introspect', { body: { token, ...(clientIp === undefined ? {} : { client_ip: clientIp }) } }))
      return expected(answer, (it) => typeof it.active === 'boolean')
    } catch (cause) {
      if (cause instanceof LatchkeyError && cause.status === 400) return { active: false } // too long for a token
      // Latchkey refuses the key, not the person.
      throw new LatchkeyError('the token could not be introspected', {
        code: 'unavailable',
        status: 503,
        requestId: cause instanceof LatchkeyError ? cause.requestId : undefined,
        retryAfter: cause instanceof LatchkeyError ? cause.retryAfter : undefined,
        cause,
      })
    }
  }
  return {
    introspect,
    ...authenticator(async (token, context?: IntrospectionContext) => {
      const found = await introspect(token, context)
      // A refresh token is for the token endpoint alone.
      if (!found.active || found.token_kind === 'refresh_token') throw invalidToken('the token is not active')
      // An access token is for one API. Without an audience, tokens for any API would be accepted.
      if (audience === undefined && found.token_kind === 'access_token') throw new LatchkeyError('the introspector has no audience', { code: 'unavailable', status: 503 })
      if (audience !== undefined && found.aud !== audience) throw invalidToken('the token is for another API')
      return principalOf(found)
    }),
  }
}
