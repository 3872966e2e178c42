import createClient, { type Client } from 'openapi-fetch'
import { OFFLINE, Problem, toProblem } from './problem'
import type { paths } from './schema.gen'

export type Api = Client<paths>

// createApi makes a client for the service at the same origin; tests hand in a
// fetch of their own.
export function createApi(options: { baseUrl?: string; fetch?: (request: Request) => Promise<Response> } = {}): Api {
  return createClient<paths>({ credentials: 'same-origin', ...options })
}

export const api = createApi()

// Mails are in the language of the page that asks for them, which may be another than the
// browser's.
api.use({
  onRequest({ request }) {
    const language = globalThis.document?.documentElement.lang
    if (language) request.headers.set('Accept-Language', language)
    return request
  },
})

// data takes the body of a success out of an answer and throws a Problem for
// everything else, a lost connection included.
export async function data<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let settled
  try {
    settled = await answer
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    throw new Problem({ code: OFFLINE, status: 0, detail: 'The service did not answer.' })
  }
  if (!settled.response.ok || settled.error !== undefined) throw toProblem(settled.error, settled.response)
  return settled.data as T
}
