import { decodeJwt, type JWTPayload } from 'jose'

// Role is a member's role in a team, from most to least.
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

// Session is who is signed in. It holds no token: it may go to the browser.
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

const ranks: Record<Role, number> = { member: 0, admin: 1, owner: 2 }

// hasRole reports whether a session acts in a team with at least a role.
export function hasRole(session: Session | null, role: Role): boolean {
  return session?.team !== undefined && ranks[session.team.role] >= ranks[role]
}

// Stored is what the cookie keeps, encrypted.
export interface Stored {
  /** The ID token, which has the claims, and speaks for the person when they sign out. */
  id: string
  access: string
  /** When the access token expires, in seconds, by this server's clock. */
  exp: number
  /** The refresh token that has not been used yet. */
  refresh?: string
  /** The one before, of which `refresh` is the successor: it gives the same again. */
  before?: string
  /** When Latchkey last said that the session is alive, in seconds. */
  checked: number
  /** When the session began, in seconds, by Latchkey's clock. */
  since: number
}

interface IDClaims extends JWTPayload {
  sub: string
  sid: string
  name?: string
  email?: string
  picture?: string
  preferred_username?: string
  wallets?: Wallet[]
  onboarded?: boolean
  former_subs?: string[]
  team?: string
  role?: Role
  amr?: string[]
  auth_time?: number
}

// claimsOf reads the ID token of a session, whose signature was verified when it came.
export function claimsOf(stored: Stored): IDClaims {
  return decodeJwt<IDClaims>(stored.id)
}

// sessionOf returns what an application sees of a session.
export function sessionOf(stored: Stored, expires: number): Session {
  const claims = claimsOf(stored)
  return {
    id: claims.sid,
    user: {
      id: claims.sub,
      ...(claims.name !== undefined && { name: claims.name }),
      ...(claims.email !== undefined && { email: claims.email }),
      ...(claims.picture !== undefined && { image: claims.picture }),
      ...(claims.preferred_username !== undefined && { username: claims.preferred_username }),
      wallets: claims.wallets ?? [],
      onboarded: claims.onboarded === true,
      formerIds: claims.former_subs ?? [],
    },
    ...(claims.team !== undefined && claims.role !== undefined && { team: { id: claims.team, role: claims.role } }),
    methods: claims.amr ?? [],
    verifiedAt: timeOf(claims.auth_time ?? 0),
    expires: timeOf(expires),
    app: appClaims(stored.access),
  }
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}

// appClaims are those of the hook. The access token came from Latchkey itself.
function appClaims(access: string): Record<string, unknown> {
  try {
    const app = decodeJwt(access)['app']
    return typeof app === 'object' && app !== null ? (app as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
