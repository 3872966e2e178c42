import { createClient, LatchkeyError } from '@latchkey/client'

export const latchkey = createClient({ baseUrl: 'https://auth.example.com' })

export async function greeting(): Promise<string> {
  try {
    const session = await latchkey.session.get() // null if no one is signed in
    return session ? `Hello ${session.user.display_name}` : latchkey.signInUrl('google', { returnTo: '/notes' })
  } catch (error) {
    if (error instanceof LatchkeyError) return `Try again later (${error.code})`
    throw error
  }
}

export async function notes(): Promise<Response> {
  // Kept, shared by callers at once, and renewed 30 seconds before it expires.
  const token = await latchkey.getAccessToken({ clientId: 'web' })
  return fetch('https://api.example.com/notes', { headers: { authorization: `Bearer ${token}` } })
}
