import { type Client, createClient } from '@latchkey/client'

const realFetch = globalThis.fetch

/** Browser is a person's browser on the page of an application: it keeps cookies, and says its origin. */
export class Browser {
  /** The calls that it made, as "METHOD /path". */
  readonly calls: string[] = []
  readonly client: Client
  readonly #cookies = new Map<string, string>()
  readonly #origin: string

  constructor(baseUrl: string, origin = baseUrl) {
    this.#origin = origin
    this.client = createClient({ baseUrl, fetch: this.fetch })
  }

  /** The Cookie header that it sends. */
  get cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  readonly fetch = async (request: Request): Promise<Response> => {
    this.calls.push(`${request.method} ${new URL(request.url).pathname}`)
    const headers = new Headers(request.headers)
    headers.set('origin', this.#origin)
    if (this.cookie) headers.set('cookie', this.cookie)
    const response = await realFetch(new Request(request, { headers, redirect: 'manual' }))
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (value === '' || /max-age=0/i.test(cookie)) this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    return response
  }
}
