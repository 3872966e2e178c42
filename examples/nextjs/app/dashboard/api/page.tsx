import { auth } from '@/auth'
import { me } from '@/lib/notes'

// The API is another server, which verifies the token: examples/express-api.
export default async function Api() {
  await auth.protect({ onboarded: true })
  const { id, team, role } = await me()
  return (
    <>
      <h1>API</h1>
      <p>
        The API knows you as <output aria-label="User">{id}</output>
        {team && `, ${role} of team ${team}`}.
      </p>
    </>
  )
}
