export interface ResourceOptions {
  /** LATCHKEY_PUBLIC_URL. */
  issuer: string
  /** The URI of this API, as `latchkey resource create --uri` has it: the audience of its tokens. */
  resource: string
  scopes?: readonly string[] | undefined
  /** The name that people see. */
  name?: string | undefined
  documentation?: string | undefined
}

const wellKnown = '/.well-known/oauth-protected-resource'

/**
 * createResource describes an API (RFC 9728), so that agents such as MCP clients find its authorization
 * server. Return what `handle` returns, and pass `challenge` to `errorResponse`.
 */
export function createResource({ issuer, resource, scopes, name, documentation }: ResourceOptions) {
  const { origin, pathname, search } = new URL(resource)
  // RFC 9728, section 3.1: between the host and the path.
  const path = wellKnown + (pathname === '/' ? '' : pathname)
  const metadataUrl = origin + path + search
  const metadata = {
    resource,
    authorization_servers: [issuer.replace(/\/+$/, '')],
    bearer_methods_supported: ['header'],
    ...(scopes === undefined ? {} : { scopes_supported: [...scopes] }),
    ...(name === undefined ? {} : { resource_name: name }),
    ...(documentation === undefined ? {} : { resource_documentation: documentation }),
  }
  return {
    metadata,
    metadataUrl,
    /** For `errorResponse` and `refusalOf`. */
    challenge: { resourceMetadata: metadataUrl, scopes },
    /** handle answers a request for the metadata, and returns undefined for others. */
    handle(request: Request): Response | undefined {
      const asked = new URL(request.url)
      if (asked.pathname !== path) return undefined
      const open = { 'access-control-allow-origin': '*', 'cache-control': 'public, max-age=300' }
      if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: { ...open, 'access-control-allow-headers': '*' } })
      if (request.method !== 'GET' && request.method !== 'HEAD') return new Response(null, { status: 405, headers: { allow: 'GET, HEAD, OPTIONS' } })
      return Response.json(metadata, { headers: open })
    },
  }
}
