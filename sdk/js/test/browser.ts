import { type Client, createClient } from '@latchkey/client'

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

  readonly fetch = async (request: Request): Promise<Response> => {
    this.calls.push(`${request.method} ${new URL(request.url).pathname}`)
    const headers = new Headers(request.headers)
    headers.set('origin', this.#origin)
    if (this.#cookies.size > 0) headers.set('cookie', [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '))
    const response = await fetch(new Request(request, { headers, redirect: 'manual' }))
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (value === '' || /max-age=0/i.test(cookie)) this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    return response
  }
}
