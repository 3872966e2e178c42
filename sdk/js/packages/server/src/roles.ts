import { LatchkeyError } from '@latchkey/client'
import type { Machine, Principal, Role, User } from './principal.js'

const rank: Record<Role, number> = { member: 0, admin: 1, owner: 2 }

function forbidden(code: 'forbidden' | 'team_session_required' | 'insufficient_scope', message: string): LatchkeyError {
  return new LatchkeyError(message, { code, status: 403 })
}

/** isUser reports whether a person sent the request. */
export function isUser(principal: Principal | null | undefined): principal is User {
  return principal?.type === 'user'
}

/** isMachine reports whether an API key of a team sent the request. */
export function isMachine(principal: Principal | null | undefined): principal is Machine {
  return principal?.type === 'machine'
}

export interface TeamOptions {
  /** The team that the token must be for. Without it any team will do: then use the team of the token, not one that the request names. */
  team?: string | undefined
}

/**
 * requireTeamRole throws a LatchkeyError with status 403 unless the token is for a team, and the role in it is this one or a
 * higher one: owner, admin, member.
 */
export function requireTeamRole<P extends Principal>(
  principal: P,
  role: Role,
  { team }: TeamOptions = {},
): asserts principal is P & { readonly team: string; readonly role: Role } {
  if (!Object.hasOwn(rank, role)) throw new TypeError(`there is no role ${role}`)
  if (!principal.team || !principal.role) throw forbidden('team_session_required', 'the access token is for no team')
  if (team !== undefined && team !== principal.team) throw forbidden('forbidden', 'the access token is for another team')
  if (!(rank[principal.role] >= rank[role])) throw forbidden('forbidden', `this needs the role ${role} in the team`)
}

/** requireScope throws a LatchkeyError with status 403 unless the token has all these scopes. */
export function requireScope(principal: Principal, ...scopes: string[]): void {
  const missing = scopes.filter((scope) => !principal.scopes.includes(scope))
  if (missing.length > 0) throw forbidden('insufficient_scope', `the access token lacks the scope ${missing.join(' ')}`)
}
