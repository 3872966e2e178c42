import { createResource, createVerifier, errorResponse, LatchkeyError, requireScope } from '@latchkey/server'

const issuer = 'https://auth.example.com'
const resource = createResource({ issuer, resource: 'https://mcp.example.com/mcp', scopes: ['tools:read'] })
const verifier = createVerifier({ issuer, audience: resource.metadata.resource })

export async function serve(request: Request): Promise<Response> {
  const metadata = resource.handle(request)
  if (metadata) return metadata
  try {
    const principal = await verifier.authenticate(request)
    requireScope(principal, 'tools:read')
    return Response.json({ hello: principal.id })
  } catch (error) {
    if (error instanceof LatchkeyError) return errorResponse(error, resource.challenge)
    throw error
  }
}
