import { createClient } from '@latchkey/client'

const latchkey = createClient({ baseUrl: 'https://auth.example.com' })

export async function signInByPassword(email: string, password: string): Promise<boolean> {
  const { flow } = await latchkey.ticket.start({ purpose: 'sign_in' })
  const answer = await fetch('/api/login', { method: 'POST', body: JSON.stringify({ flow, email, password }) })
  if (!answer.ok) return false
  await latchkey.ticket.verify(await answer.json())
  return true
}
