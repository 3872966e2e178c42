import { verifier } from './verify.mjs'

// app/api/notes/route.js: export const POST = notes({ issuer, audience })
export function notes(options) {
  const userOf = verifier(options)
  return async (request) => {
    let user
    try {
      user = await userOf(request.headers.get('authorization'))
    } catch {
      return new Response(null, { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } })
    }
    const { text } = await request.json()
    return Response.json({ author: user.id, text })
  }
}
