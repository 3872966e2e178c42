import { hasRole, isRecentlyVerified, type Role, type Session } from '@latchkey/react/session'
import { AuthError } from './errors.js'

// Requirements are what a session needs, apart from being active.
export interface Requirements {
  /** At least this role in the team that the session acts in: an owner may do what an admin may. */
  role?: Role
  /** A team, or this one. */
  team?: boolean | string
  onboarded?: boolean
  /** Verified in the last ten minutes, or in this many seconds. */
  recentlyVerified?: boolean | number
}

// Lack is a requirement that a session does not meet, and how the person can meet it.
export interface Lack {
  error: AuthError
  /** Where a page can send the person; undefined if nothing helps. */
  remedy?: { team?: string; prompt?: 'login' } | 'onboarding'
}

// lackOf returns the first requirement that a session does not meet.
export function lackOf(session: Session, needs: Requirements, now = Date.now()): Lack | undefined {
  if (typeof needs.team === 'string' && session.team?.id !== needs.team) {
    return { error: new AuthError('forbidden', 'the session does not act in this team'), remedy: { team: needs.team } }
  }
  if (needs.team === true && !session.team) return { error: new AuthError('forbidden', 'the session acts in no team') }
  if (needs.role && !hasRole(session, needs.role)) return { error: new AuthError('forbidden', `this requires the role ${needs.role}`) }
  if (needs.onboarded && !session.user.onboarded) {
    return { error: new AuthError('onboarding_required', 'the user is not onboarded'), remedy: 'onboarding' }
  }
  if (needs.recentlyVerified && !isRecentlyVerified(session, needs.recentlyVerified === true ? undefined : needs.recentlyVerified, now)) {
    return { error: new AuthError('reauth_required', 'the person has to verify that it is them'), remedy: { prompt: 'login' } }
  }
  return undefined
}
