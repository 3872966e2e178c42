import { LatchkeyError } from '@latchkey/client'

export interface ChallengeOptions {
  /** Where the metadata of this resource is (RFC 9728), for clients that look for their authorization server. */
  resourceMetadata?: string | undefined
  /** The scopes that a token needs here. */
  scopes?: readonly string[] | undefined
}

/** An answer to a request that was refused, whatever the framework. */
export interface Refusal {
  status: number
  headers: Record<string, string>
  body: { status: number; code: string; detail: string }
}

/**
 * refusalOf returns how a server answers an error of this library: 401 with WWW-Authenticate
 * (RFC 6750), 403, or 503 where it cannot be known who it is. Other errors it throws again.
 */
export function refusalOf(error: unknown, { resourceMetadata, scopes }: ChallengeOptions = {}): Refusal {
  if (!(error instanceof LatchkeyError)) throw error
  const status = error.status === 401 || error.status === 403 ? error.status : 503
  const code = status === 503 ? 'unavailable' : error.code
  const detail = status === 503 ? 'Latchkey cannot be reached; try again shortly' : error.message
  const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' }
  if (status === 503) headers['retry-after'] = String(error.retryAfter ?? 5)
  const reason = status === 401 ? (error.field === 'authorization' ? 'invalid_token' : undefined) : code === 'insufficient_scope' ? code : undefined
  if (status === 401 || reason !== undefined) {
    const parameters = Object.entries({ error: reason, scope: scopes?.join(' ') || undefined, resource_metadata: resourceMetadata })
    const given = parameters.flatMap(([name, value]) => (value === undefined ? [] : [`${name}="${value.replace(/["\\]/g, '\\$&')}"`]))
    headers['www-authenticate'] = ['Bearer', given.join(', ')].filter(Boolean).join(' ')
  }
  return { status, headers, body: { status, code, detail } }
}

/** errorResponse is refusalOf for servers that answer with a Response. */
export function errorResponse(error: unknown, options?: ChallengeOptions): Response {
  const { status, headers, body } = refusalOf(error, options)
  return new Response(JSON.stringify(body), { status, headers })
}
