/** From most to least. */
export type Role = 'owner' | 'admin' | 'member'

export interface Wallet {
  address: string
  chain_id: number
  kind: 'eoa' | 'contract'
}

export interface User {
  /** The id of the canonical user: the key for rows of the application. */
  id: string
  name?: string
  /** Verified. People who have only a wallet have none. */
  email?: string
  image?: string
  /** What to call a person who has no name: an address, or a wallet. */
  username?: string
  wallets: Wallet[]
  onboarded: boolean
  /** Ids that the user had before merges. Rows kept by them are this user's. */
  formerIds: string[]
}

/** Session is who is signed in. It holds no token: it may go to the browser. */
export interface Session {
  /** The session's id in Latchkey (`sid`). */
  id: string
  user: User
  /** The team that the session acts in. */
  team?: { id: string; role: Role }
  /** The providers that verified the user. */
  methods: string[]
  /** When the user was last verified (RFC 3339). */
  verifiedAt: string
  /** When the application forgets the session if it is not used (RFC 3339). */
  expires: string
  /** The claims that the application's `token.before` hook gave. */
  app: Record<string, unknown>
}

/** SignInOptions say how to sign in. */
export interface SignInOptions {
  /** Where to go on: a path of the application. Default: the page before, or /. */
  redirectTo?: string | undefined
  /** The team to act in. */
  team?: string | undefined
  /** `login` has the person verify that it is them, `select_account` lets them choose. */
  prompt?: 'login' | 'select_account' | 'consent' | undefined
  loginHint?: string | undefined
}

const ranks: Record<Role, number> = { member: 0, admin: 1, owner: 2 }

/**
 * hasRole reports whether a session acts in a team with at least a role. In the browser it decides what is shown; what a
 * person may do is for the server to decide.
 */
export function hasRole(session: Session | null | undefined, role: Role): boolean {
  return session?.team !== undefined && ranks[session.team.role] >= ranks[role]
}

/** isRecentlyVerified reports whether the person was verified in the last ten minutes, as Latchkey has it, or in as many seconds. */
export function isRecentlyVerified(session: Session | null | undefined, seconds = 600, now = Date.now()): boolean {
  return session != null && now - Date.parse(session.verifiedAt) < seconds * 1000
}
