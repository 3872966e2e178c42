export type Role = 'owner' | 'admin' | 'member'

export interface User {
  /** The id of the canonical user. */
  id: string
  name?: string
  /** Verified. People who have only a wallet have none. */
  email?: string
  image?: string
  /** What to call a person who has no name: an address, or a wallet. */
  username?: string
  wallets: { address: string; chain_id: number; kind: 'eoa' | 'contract' }[]
  onboarded: boolean
  formerIds: string[]
}

// Session is who is signed in, as `auth()` of @latchkey/next returns it on the server.
export interface Session {
  id: string
  user: User
  team?: { id: string; role: Role }
  methods: string[]
  /** When the user was last verified (RFC 3339). */
  verifiedAt: string
  expires: string
  app: Record<string, unknown>
}

const ranks = ['member', 'admin', 'owner']

// hasRole reports whether a session acts in a team with at least a role. Pages show by it;
// what a person may do is for the server to decide.
export function hasRole(session: Session | null, role: Role): boolean {
  return session?.team !== undefined && ranks.indexOf(session.team.role) >= ranks.indexOf(role)
}
