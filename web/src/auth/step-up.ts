import { isProblem } from '../api/problem'
import type { Session } from '../api/types'

// A session is fresh for ten minutes after a proof; the service decides. Here a
// minute less, because a person needs time between the look and the click.
const freshFor = 9 * 60_000

export function isFresh(session: Pick<Session, 'authenticated_at'>, now: number = Date.now()): boolean {
  return now - Date.parse(session.authenticated_at) < freshFor
}

// A person who signed in with a recovery code must add a sign-in method first.
export function isRestricted(session: Pick<Session, 'methods'>): boolean {
  return session.methods.every((method) => method === 'recovery')
}

// wantsFresh reports whether a refusal asks for a recent proof and nothing else: the
// service does for some things, a team's policy for every change to the team, and
// after a pause.
export function wantsFresh(error: unknown): boolean {
  return isProblem(error, 'reauth_required') || (isProblem(error, 'policy_unsatisfied') && (error.rule === 'require_fresh_for_admin' || error.rule === 'idle'))
}

// withStepUp runs an action, and once more after the person has proved who they
// are if that is what it was refused for. Undefined: the person did not want to.
// A second refusal is thrown: asking again would not help.
export async function withStepUp<T>(action: () => Promise<T>, stepUp: () => Promise<boolean>): Promise<T | undefined> {
  try {
    return await action()
  } catch (error) {
    if (!wantsFresh(error)) throw error
  }
  return (await stepUp()) ? action() : undefined
}
