import { abortAfter, LatchkeyError } from '@latchkey/client'
import { createLocalJWKSet, errors, type FlattenedJWSInput, type JSONWebKeySet, type JWSHeaderParameters } from 'jose'

type KeyOf = ReturnType<typeof createLocalJWKSet>

const second = 1000
// The least time between two fetches, however many tokens name unknown keys.
const cooldown = 30 * second
// Keys of this age are fetched again in the background.
const refreshAfter = 60 * second
// Keys of this age no longer count: `max-age` of the response.
const maxAge = 300 * second

export interface KeysOptions {
  /** LATCHKEY_PUBLIC_URL. */
  issuer: string
  /** Instead of the global fetch. */
  fetch?: ((request: Request) => Promise<Response>) | undefined
  /** Milliseconds until fetching the keys fails. The default is 5,000. */
  timeout?: number | undefined
}

/**
 * createKeys returns the public keys of a service, for jose. They are fetched when they
 * are first needed, and then in the background. Forged tokens cost at most one request in 30 seconds.
 * It throws a LatchkeyError with the code `unavailable` if they cannot be fetched.
 */
export function createKeys({ issuer, fetch: send = (request) => fetch(request), timeout = 5 * second }: KeysOptions) {
  const url = new URL('/.well-known/jwks.json', issuer).href
  let keys: KeyOf | undefined
  let fetchedAt = Number.NEGATIVE_INFINITY
  let attemptedAt = Number.NEGATIVE_INFINITY
  let failure: unknown
  let pending: Promise<void> | undefined

  async function load(): Promise<void> {
    try {
      const response = await send(abortAfter(new Request(url, { headers: { accept: 'application/json' }, redirect: 'manual' }), timeout))
      if (response.status !== 200) throw new Error(`${url} answered with status ${response.status}`)
      const set = (await response.json()) as JSONWebKeySet
      const found = createLocalJWKSet(set)
      if (set.keys.length === 0) throw new Error(`${url} has no keys`)
      keys = found
      fetchedAt = Date.now()
      failure = undefined
    } catch (cause) {
      failure = cause ?? new Error(`${url} cannot be read`)
    }
  }

  // start fetches the keys. It never rejects.
  function start(): Promise<void> {
    attemptedAt = Date.now()
    const started = load().finally(() => {
      if (pending === started) pending = undefined
    })
    pending = started
    return started
  }

  const age = () => Date.now() - fetchedAt
  const sinceAttempt = () => Date.now() - attemptedAt
  // What is under way, unless a runtime that stops work after an answer may never settle it.
  const shared = () => (separateRequests || sinceAttempt() >= 2 * timeout ? undefined : pending)
  const unavailable = () =>
    new LatchkeyError('the keys of Latchkey cannot be fetched', { code: 'unavailable', status: 503, retryAfter: 5, ...(failure === undefined ? {} : { cause: failure }) })

  return async (header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> => {
    if (!keys || age() >= maxAge) {
      // After a failure, one attempt a second, not one a request.
      await (shared() ?? (failure === undefined || sinceAttempt() >= second ? start() : undefined))
      if (!keys || age() >= maxAge) throw unavailable()
    } else if (age() >= refreshAfter && sinceAttempt() >= cooldown) {
      void start()
    }
    try {
      return await keys(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      // The key is new, or the token is forged.
      await (shared() ?? (sinceAttempt() >= cooldown ? start() : undefined))
      if (failure !== undefined) throw unavailable()
      return await keys(header, token)
    }
  }
}

// In Cloudflare Workers, a request cannot wait for a fetch that another request started.
const separateRequests = globalThis.navigator?.userAgent === 'Cloudflare-Workers'
