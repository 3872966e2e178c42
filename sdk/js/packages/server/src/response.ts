import { LatchkeyError } from '@latchkey/client'

export interface ChallengeOptions {
  /** The URL of the metadata of this resource (RFC 9728), for clients that look for the authorization server. */
  resourceMetadata?: string | undefined
  /** The scopes that a token needs. */
  scopes?: readonly string[] | undefined
}

/** Refusal is the response to a request that was refused, whatever the framework. */
export interface Refusal {
  status: number
  headers: Record<string, string>
  body: { status: number; code: string; detail: string }
}

/**
 * refusalOf returns how a server answers an error of this library: 401 with WWW-Authenticate (RFC 6750), 403, 400 for a webhook,
 * and 503 where it cannot be known who sent the request. What Latchkey answered to a call of the application itself, such as that
 * its API key has expired, says nothing about the person: it is 500. The causes of 500 and 503 go to the log (console.error). Other
 * errors are thrown again.
 */
export function refusalOf(error: unknown, { resourceMetadata, scopes }: ChallengeOptions = {}): Refusal {
  if (!(error instanceof LatchkeyError)) throw error
  const status = statusOf(error)
  const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' }
  if (status >= 500) {
    console.error('latchkey:', error)
    if (status === 500) return { status, headers, body: { status, code: 'internal', detail: 'the server could not do this' } }
    headers['retry-after'] = String(error.retryAfter ?? 5)
    return { status, headers, body: { status, code: 'unavailable', detail: 'Latchkey cannot be reached; try again shortly' } }
  }
  const { code, message: detail } = error
  const reason = status === 401 ? (error.field === 'authorization' ? 'invalid_token' : undefined) : code === 'insufficient_scope' ? code : undefined
  if (status === 401 || reason !== undefined) {
    const parameters = Object.entries({ error: reason, scope: scopes?.join(' ') || undefined, resource_metadata: resourceMetadata })
    const given = parameters.flatMap(([name, value]) => (value === undefined ? [] : [`${name}="${value.replace(/["\\]/g, '\\$&')}"`]))
    headers['www-authenticate'] = ['Bearer', given.join(', ')].filter(Boolean).join(' ')
  }
  return { status, headers, body: { status, code, detail } }
}

function statusOf({ status, code, answered }: LatchkeyError): number {
  if (code === 'api_key_refused') return 500
  const isClientError = status >= 400 && status < 500 && status !== 429
  if (!isClientError) return 503
  return answered ? 500 : status
}

/** errorResponse is refusalOf for servers that answer with a Response. */
export function errorResponse(error: unknown, options?: ChallengeOptions): Response {
  const { status, headers, body } = refusalOf(error, options)
  return new Response(JSON.stringify(body), { status, headers })
}
