import { getSession, Unavailable } from './actions.js'
import type { Session } from './session.js'

/** `unavailable`: the server cannot say. No one is shown as signed in, and no one as signed out. */
export type Status = 'loading' | 'authenticated' | 'unauthenticated' | 'unavailable'

export interface Known {
  data: Session | null
  status: Status
}

function known(session: Session | null | undefined): Known {
  return { data: session ?? null, status: session === undefined ? 'loading' : session ? 'authenticated' : 'unauthenticated' }
}

// SessionStore keeps what the browser knows of who is signed in. Answers can come in any order: the one that was asked for last counts.
export class SessionStore {
  #state: Known
  #asked = 0
  #updating: Promise<Session | null> | undefined
  readonly #listeners = new Set<() => void>()

  constructor(session: Session | null | undefined) {
    this.#state = known(session)
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly snapshot = (): Known => this.#state

  // take keeps what the server rendered, and asks if it did not know.
  take(session: Session | null | undefined): void {
    if (!this.#updating) this.#asked++ // older answers count no longer
    this.#set(known(session))
    if (session === undefined) this.check()
  }

  // check asks the server again. An update that is under way will know more.
  check(): void {
    if (!this.#updating) this.#ask('GET').catch(() => undefined)
  }

  // update asks Latchkey for the present claims.
  update(): Promise<Session | null> {
    const updating = this.#ask('POST').finally(() => {
      if (this.#updating === updating) this.#updating = undefined
    })
    this.#updating = updating
    return updating
  }

  async #ask(method: 'GET' | 'POST'): Promise<Session | null> {
    const turn = ++this.#asked
    try {
      const found = await getSession(method)
      if (turn === this.#asked) this.#set(known(found))
      return found
    } catch (error) {
      // What fails on the way, such as offline, changes nothing that is known.
      const isNews = error instanceof Unavailable || this.#state.status === 'loading'
      if (turn === this.#asked && isNews) this.#set({ data: null, status: 'unavailable' })
      throw error
    }
  }

  #set(state: Known): void {
    this.#state = state
    for (const listener of this.#listeners) listener()
  }
}
