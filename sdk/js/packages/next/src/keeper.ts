import { AuthError, isUnavailable, unavailable } from './errors.js'
import { Flights, Recent } from './recent.js'
import { type Grant, Refused, type Remote } from './remote.js'
import type { Revocations } from './revocations.js'
import { claimsOf, type Stored } from './session.js'

// Standing is the current state of a session that a cookie holds.
export type Standing =
  /** It is active. `stored` is what the cookie should hold from now on. */
  | { state: 'active'; stored: Stored }
  /** It has ended. The cookie can go. */
  | { state: 'ended' }
  /** The team's policy does not allow it now. It may later. */
  | { state: 'refused'; error: AuthError }
  /** It is not known, because Latchkey does not answer. It does not count as signed in. */
  | { state: 'unavailable'; error: AuthError }

// checkEvery is how many seconds a response of Latchkey counts if no store of revocations
// is configured: a session that ended elsewhere ends here within this time.
export const checkEvery = 60

// renewBefore is how many seconds before its expiry an access token is renewed.
const renewBefore = 30

// How many sessions one server remembers.
const most = 5000

// Keeper checks and renews sessions, with as few requests as possible.
//
// A refresh token works once, and using it again after its successor was used ends the
// session. Tabs, prefetches and several servers all come with the same cookie, so:
//
//   - Only the token that came with the request is used, never a successor, which the
//     browser may not have got. Using it again, on any server, gives the same successor.
//   - A token is used when its access token ends, minutes after the browser got it. For new
//     claims in between `before` is used, which gives the same successor once more.
//
// So no token is used after its successor, unless a request is under way for minutes.
export class Keeper {
  readonly #remote: Remote
  readonly #revocations: Revocations
  readonly #now: () => number
  /** By the refresh token that was used. */
  readonly #renewing = new Flights<Standing>()
  readonly #renewed = new Recent<Stored>(most)
  /** By the access token: the result of the last check, and its time. */
  readonly #checking = new Flights<Standing>()
  readonly #checked = new Recent<{ at: number; renewed?: Stored }>(most)

  constructor(remote: Remote, revocations: Revocations, now: () => number = () => Math.floor(Date.now() / 1000)) {
    this.#remote = remote
    this.#revocations = revocations
    this.#now = now
  }

  // begin returns the session of a sign-in. A logout may have overtaken it.
  async begin(grant: Grant): Promise<Standing> {
    const stored = this.#storedOf(grant, undefined)
    return (await this.#ended(stored)) ? { state: 'ended' } : { state: 'active', stored }
  }

  // standing returns the current state of a session.
  standing(stored: Stored, clientIp?: string): Promise<Standing> {
    return answered(async () => {
      if (await this.#ended(stored)) return { state: 'ended' }
      if (!this.#due(stored)) return this.#alive(stored, clientIp)
      const token = stored.refresh ?? ''
      const known = this.#renewed.get(token)
      if (known && !this.#due(known)) return this.#alive(known, clientIp)
      try {
        return await this.#renewing.join(token, () => this.#renew(stored, token, clientIp))
      } catch (error) {
        // The last response still counts.
        if (isUnavailable(error) && stored.exp > this.#now() && this.#fresh(stored.checked)) return { state: 'active', stored }
        throw error
      }
    })
  }

  // renew asks for new claims now, such as after the application changed the user.
  renew(stored: Stored, clientIp?: string): Promise<Standing> {
    return answered(async () => {
      if (await this.#ended(stored)) return { state: 'ended' }
      return this.#renewClaims(stored, clientIp)
    })
  }

  // end remembers that a session of this application has ended.
  async end(stored: Stored): Promise<void> {
    await this.#revocations.end({ sid: claimsOf(stored).sid, at: this.#now() })
  }

  // due reports whether a session needs new tokens. A renewal is also a check: one that is
  // needed within the minute replaces the check.
  #due(stored: Stored): boolean {
    const left = stored.exp - renewBefore - this.#now()
    return left <= 0 || (left < checkEvery && !this.#revocations.shared && !this.#fresh(this.#lastChecked(stored)))
  }

  // lastChecked may be later than the browser knows.
  #lastChecked(stored: Stored): number {
    return Math.max(stored.checked, this.#checked.get(stored.access)?.at ?? 0)
  }

  #fresh(checked: number): boolean {
    return this.#now() - checked < checkEvery
  }

  #ended(stored: Stored): Promise<boolean> {
    const { sid, sub } = claimsOf(stored)
    return this.#revocations.has({ sid, sub, since: stored.since })
  }

  // alive checks a session whose tokens have time left, at most once a minute.
  async #alive(stored: Stored, clientIp: string | undefined): Promise<Standing> {
    if (this.#revocations.shared || this.#fresh(stored.checked)) return { state: 'active', stored }
    const known = this.#checked.get(stored.access)
    if (known && this.#fresh(known.at)) return { state: 'active', stored: known.renewed ?? { ...stored, checked: known.at } }
    return this.#checking.join(stored.access, async () => {
      const claims = claimsOf(stored)
      const now = await this.#remote.introspect(stored.access, clientIp)
      const at = this.#now()
      if (now.active && now.sub === claims.sub && now.team === claims.team && now.role === claims.role && now.auth_time === claims.auth_time) {
        this.#checked.set(stored.access, { at })
        return { state: 'active', stored: { ...stored, checked: at } }
      }
      // It has changed or ended, or the policy refuses it: a renewal shows which.
      const standing = await this.#renewClaims(stored, clientIp)
      if (standing.state === 'active') this.#checked.set(stored.access, { at, renewed: standing.stored })
      return standing
    })
  }

  #renewClaims(stored: Stored, clientIp: string | undefined): Promise<Standing> {
    // Another request may be using `refresh` by now.
    const soon = stored.exp - 2 * checkEvery <= this.#now()
    const token = (soon ? undefined : stored.before) ?? stored.refresh ?? ''
    return this.#renewing.after(token, () => this.#renew(stored, token, clientIp))
  }

  async #renew(stored: Stored, token: string, clientIp: string | undefined): Promise<Standing> {
    if (!token) return { state: 'ended' } // the client has no grant to refresh
    const { sid } = claimsOf(stored)
    let grant: Grant
    try {
      grant = await this.#remote.refresh(token, clientIp)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      if (error.error === 'invalid_grant') {
        await this.#revocations.end({ sid, at: this.#now() })
        return { state: 'ended' }
      }
      if (error.code === 'policy_unsatisfied') return { state: 'refused', error: new AuthError('policy_unsatisfied', error.message, { cause: error }) }
      throw unavailable(`Latchkey refuses to renew a session: ${error.message}`, error)
    }
    const claims = await this.#remote.verifyIDToken(grant.id_token)
    if (claims['sid'] !== sid) throw unavailable('a renewal gave the tokens of another session')
    const renewed = this.#storedOf(grant, { ...stored, before: token })
    this.#renewed.set(token, renewed)
    return { state: 'active', stored: renewed }
  }

  #storedOf(grant: Grant, from: Stored | undefined): Stored {
    const now = this.#now()
    const refresh = grant.refresh_token ?? from?.refresh
    return {
      id: grant.id_token,
      access: grant.access_token,
      exp: now + grant.expires_in,
      ...(refresh && { refresh }),
      ...(from?.before && from.before !== refresh && { before: from.before }),
      checked: now,
      since: from?.since ?? claimsOf({ id: grant.id_token } as Stored).iat ?? now,
    }
  }
}

// answered turns a failure into a standing: an unknown session is not signed in.
async function answered(task: () => Promise<Standing>): Promise<Standing> {
  try {
    return await task()
  } catch (error) {
    if (error instanceof AuthError && error.code === 'configuration') console.error(error.message)
    return { state: 'unavailable', error: isUnavailable(error) ? error : unavailable('the session cannot be checked', error) }
  }
}
