import { type SignInOptions, signIn } from './actions.js'
import { useSession } from './provider.js'
import { hasRole, isRecentlyVerified, type Role } from './session.js'

export interface TeamState {
  /** The team that the session acts in. */
  id: string | undefined
  role: Role | undefined
  /** Reports whether the role is at least this one. */
  has(role: Role): boolean
  /** Leaves the page to act in another team, whose policy decides, and comes back. */
  switchTo(team: string, options?: Pick<SignInOptions, 'redirectTo'>): void
}

// useTeam returns the team that the session acts in.
export function useTeam(): TeamState {
  const { data } = useSession()
  return {
    id: data?.team?.id,
    role: data?.team?.role,
    has: (role) => hasRole(data, role),
    switchTo: (team, options) => signIn(undefined, { ...options, team }),
  }
}

export interface StepUp {
  /** Whether the person was verified in the last ten minutes. */
  recentlyVerified: boolean
  /** Leaves the page to have them verify that it is them, and comes back. */
  stepUp(options?: Pick<SignInOptions, 'redirectTo'>): void
}

// useStepUp is for what needs a recent proof: the server checks it by
// `auth.protect({ recentlyVerified: true })`.
export function useStepUp(): StepUp {
  const { data } = useSession()
  return {
    recentlyVerified: isRecentlyVerified(data),
    stepUp: (options) => signIn(undefined, { ...options, prompt: 'login' }),
  }
}
