import { Recent } from './recent.js'

// Pauses has calls of one kind fail at once for a while after one that was not answered, so
// that pages do not wait for a service that is away. What one person's call ran into, such
// as a limit of theirs, is no outage: it pauses their calls alone, until a call for another
// person is not answered either, with no answer in between.
export class Pauses {
  readonly #own = new Recent<number>(5000)
  #all = 0
  #failed: string | undefined

  // isPaused reports whether a call for a person is better not sent now.
  isPaused(person: string): boolean {
    const now = Date.now()
    return now < this.#all || now < (this.#own.get(person) ?? 0)
  }

  // answered says that the service works.
  answered(): void {
    this.#all = 0
    this.#failed = undefined
  }

  // limited says that the service wants no call for this person for some seconds.
  limited(person: string, seconds: number): void {
    this.answered()
    this.#own.set(person, Date.now() + seconds * 1000)
  }

  // failed says that a call was not answered.
  failed(person: string, seconds: number): void {
    const until = Date.now() + seconds * 1000
    this.#own.set(person, until)
    if (this.#failed !== undefined && this.#failed !== person) this.#all = until
    this.#failed ??= person
  }
}

// For how many seconds, where the service does not say.
const pause = 3
const longest = 60

// pauseOf returns how many seconds a response asks to wait: Retry-After (RFC 9110, section
// 10.2.3), where it is a number.
export function pauseOf(headers?: Headers): number {
  const asked = Number(headers?.get('retry-after') ?? Number.NaN)
  return asked > 0 ? Math.min(asked, longest) : pause
}
