import { createVerifier, errorResponse, isUser, LatchkeyError, requireTeamRole } from '@latchkey/server'

const verifier = createVerifier({ issuer: 'https://auth.example.com', audience: 'https://api.example.com' })

export async function createNote(request: Request): Promise<Response> {
  try {
    const principal = await verifier.authenticate(request)
    requireTeamRole(principal, 'member')
    if (!isUser(principal)) return new Response(null, { status: 403 }) // an API key of the team
    // The author and the team are those of the token, whatever the body says.
    const { text } = (await request.json()) as { text: string }
    return Response.json({ author: principal.id, team: principal.team, text })
  } catch (error) {
    if (error instanceof LatchkeyError) return errorResponse(error) // 401, 403 or 503
    throw error
  }
}
