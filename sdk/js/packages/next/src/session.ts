import type { Role, Session, Wallet } from '@latchkey/react/session'
import { decodeJwt, type JWTPayload } from 'jose'

// Stored is what the cookie keeps, encrypted.
export interface Stored {
  /** The ID token, which has the claims, and names the session when the person signs out. */
  id: string
  access: string
  /** When the access token expires, in seconds, by this server's clock. */
  exp: number
  /** The refresh token that has not been used yet. */
  refresh?: string
  /** The previous one: using it again gives `refresh` once more. */
  before?: string
  /** When Latchkey last confirmed the session, in seconds. */
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

// appClaims returns the claims of the token hook. The access token came from Latchkey itself, so it is not verified.
function appClaims(access: string): Record<string, unknown> {
  try {
    const app = decodeJwt(access)['app']
    return typeof app === 'object' && app !== null ? (app as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
