import { auth } from '@/auth'

// 401 without a session, 503 while Latchkey is away.
export const GET = auth.protect(({ auth: { user, team } }) => Response.json({ id: user.id, team: team?.id ?? null }))
