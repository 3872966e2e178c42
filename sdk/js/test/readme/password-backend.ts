import { createAdmin } from '@latchkey/server'
import { users } from './users.js'

const latchkey = createAdmin({ issuer: 'https://auth.example.com', apiKey: process.env.LATCHKEY_PROOFS_KEY ?? '' })

export async function POST(request: Request): Promise<Response> {
  const { flow, email, password } = (await request.json()) as Record<string, string>
  const user = await users.check(email ?? '', password ?? '')
  if (!user) return Response.json({ error: 'the address or the password is wrong' }, { status: 401 })
  const { ticket } = await latchkey.proofs.create({ flow: flow ?? '', purpose: 'sign_in', provider: 'backend:legacy', subject: user.id, display_name: user.name })
  return Response.json({ ticket })
}
