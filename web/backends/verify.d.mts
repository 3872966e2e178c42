export interface User {
  id: string
  session: string
  team?: string
  role?: 'owner' | 'admin' | 'member'
}
export function verifier(options: { issuer: string; audience: string }): (authorization: string | null | undefined) => Promise<User>
