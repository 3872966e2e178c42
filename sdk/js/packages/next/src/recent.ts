// Recent is a map of limited size, which drops the entries that were set longest ago.
export class Recent<T> {
  readonly #all = new Map<string, T>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  get(key: string): T | undefined {
    return this.#all.get(key)
  }

  set(key: string, value: T): void {
    this.#all.delete(key)
    this.#all.set(key, value)
    if (this.#all.size > this.#most) this.#all.delete(this.#all.keys().next().value!)
  }

  delete(key: string): void {
    this.#all.delete(key)
  }
}

// Flights runs at most one task per key at a time, which concurrent callers share.
export class Flights<T> {
  readonly #running = new Map<string, Promise<T>>()
  readonly #queued = new Map<string, Promise<T>>()

  // join returns the result of the running task, or starts one.
  join(key: string, task: () => Promise<T>): Promise<T> {
    return this.#running.get(key) ?? this.#begin(key, task)
  }

  // after returns the result of a task that starts from now on. Callers that ask before it
  // starts share it.
  after(key: string, task: () => Promise<T>): Promise<T> {
    const running = this.#running.get(key)
    if (!running) return this.#begin(key, task)
    const queued = this.#queued.get(key)
    if (queued) return queued
    const begin = () => {
      this.#queued.delete(key)
      return this.after(key, task)
    }
    const next = running.then(begin, begin)
    this.#queued.set(key, next)
    return next
  }

  #begin(key: string, task: () => Promise<T>): Promise<T> {
    const flight = task().finally(() => this.#running.delete(key))
    this.#running.set(key, flight)
    return flight
  }
}
