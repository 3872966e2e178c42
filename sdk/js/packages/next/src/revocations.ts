import { AuthError, unavailable } from './errors.js'

// RevocationStore remembers what has ended, for all servers of the application. With
// Redis: `{ set: (key, at, ttl) => redis.set(key, at, 'EX', ttl), get: async (key) => Number(await redis.get(key)) || undefined }`.
export interface RevocationStore {
  /** Remembers, for `ttl` seconds, that what `key` names ended at `at`, in seconds since 1970. */
  set(key: string, at: number, ttl: number): Promise<unknown>
  /** Returns when it ended, and undefined if it is not remembered. */
  get(key: string): Promise<number | undefined>
}

// In seconds. Longer than a cookie can be used without asking Latchkey, and than the exchange
// of a code takes.
const keptFor = 3600

// Ended is what a logout token names (OpenID Connect Back-Channel Logout 1.0, section 2.4):
// one session, or all of a user.
export interface Ended {
  sid?: string | undefined
  sub?: string | undefined
  /** In seconds, by Latchkey's clock. */
  at: number
}

// Identified is a session that may have ended. since is when it began, in seconds, by
// Latchkey's clock.
export interface Identified {
  sid: string
  sub: string
  since: number
}

// Revocations remember which sessions have ended, so that a sign-in that was under way does
// not revive one.
export class Revocations {
  readonly #stores: RevocationStore[]
  /** Whether other servers of the application learn of it. */
  readonly shared: boolean

  constructor(shared: RevocationStore | undefined) {
    this.#stores = [new Memory(), ...(shared ? [shared] : [])]
    this.shared = shared !== undefined
  }

  async end({ sid, sub, at }: Ended): Promise<void> {
    const key = sid ? `latchkey:sid:${sid}` : `latchkey:sub:${sub}`
    try {
      await Promise.all(this.#stores.map((store) => store.set(key, at, keptFor)))
    } catch (error) {
      throw unavailable('the store of revocations does not answer', error)
    }
  }

  // has reports whether a session is remembered as ended. It fails if a store does not
  // answer: then no one is signed in.
  async has({ sid, sub, since }: Identified): Promise<boolean> {
    try {
      const found = await Promise.all(this.#stores.flatMap((store) => [store.get(`latchkey:sid:${sid}`), store.get(`latchkey:sub:${sub}`)]))
      return found.some((at, i) => at !== undefined && at !== null && (i % 2 === 0 || since <= Number(at)))
    } catch (error) {
      if (error instanceof AuthError) throw error
      throw unavailable('the store of revocations does not answer', error)
    }
  }
}

// Memory is the store of one server.
class Memory implements RevocationStore {
  readonly #kept = new Map<string, { at: number; until: number }>()

  async set(key: string, at: number, ttl: number): Promise<void> {
    this.#kept.delete(key)
    this.#kept.set(key, { at, until: Date.now() + ttl * 1000 })
    for (const [oldest, { until }] of this.#kept) {
      if (until > Date.now() && this.#kept.size <= 100_000) break
      this.#kept.delete(oldest)
    }
  }

  async get(key: string): Promise<number | undefined> {
    const found = this.#kept.get(key)
    return found && found.until > Date.now() ? found.at : undefined
  }
}
