import { type Api, expected, unwrap } from './api.js'

// How long before its expiry a token is renewed, in milliseconds: longer than a request takes.
const early = 30_000

export interface TokenRequest {
  /** A client of LATCHKEY_CLIENTS, whose audience gets the token. The default is the first one. */
  clientId?: string | undefined
  /** The team to act in. The session must be active in it. */
  teamId?: string | undefined
}

/** Tokens keeps access tokens until 30 seconds before they expire. Concurrent callers share a request. */
export class Tokens {
  readonly #api: Api
  #kept = new Map<string, { token: string; until: number }>()
  #pending = new Map<string, Promise<string>>()

  constructor(api: Api) {
    this.#api = api
  }

  get(request: TokenRequest): Promise<string> {
    const key = JSON.stringify([request.clientId, request.teamId])
    const kept = this.#kept.get(key)
    if (kept && Date.now() < kept.until) return Promise.resolve(kept.token)
    let pending = this.#pending.get(key)
    if (!pending) {
      const issued = this.#issue(key, request).finally(() => {
        if (this.#pending.get(key) === issued) this.#pending.delete(key)
      })
      pending = issued
      this.#pending.set(key, pending)
    }
    return pending
  }

  /** clear forgets all tokens, when their session has ended. */
  clear(): void {
    this.#kept = new Map()
    this.#pending = new Map()
  }

  async #issue(key: string, { clientId, teamId }: TokenRequest): Promise<string> {
    const kept = this.#kept
    const asked = Date.now()
    const body = { ...(clientId === undefined ? {} : { client_id: clientId }), ...(teamId === undefined ? {} : { team_id: teamId }) }
    const grant = expected(await unwrap(this.#api.POST('/v1/token', { body })), (it) => typeof it.access_token === 'string' && it.expires_in > 0)
    // Into the map that was current when it was requested: clear() keeps no earlier token.
    kept.set(key, { token: grant.access_token, until: asked + grant.expires_in * 1000 - early })
    return grant.access_token
  }
}
