import createFetchClient, { type Client as FetchClient } from 'openapi-fetch'
import { errorOf, LatchkeyError } from './errors.js'
import type { paths } from './schema.gen.js'

/** Api has every call of the service, typed by its OpenAPI document. Read its answers with `unwrap`. */
export type Api = FetchClient<paths>

export interface ApiOptions {
  /** Where the service is: LATCHKEY_PUBLIC_URL. The default is the origin of the page. */
  baseUrl?: string
  /** Instead of the global fetch. */
  fetch?: (request: Request) => Promise<Response>
  /** Milliseconds until a call fails with `timeout`. The default is 10,000. */
  timeout?: number
  credentials?: RequestCredentials
  headers?: Record<string, string>
}

/** createApi returns a client of the API, whose calls time out. */
export function createApi({ timeout = 10_000, fetch: send = (request) => fetch(request), ...options }: ApiOptions): Api {
  return createFetchClient<paths>({
    ...options,
    // The caller's own signal stays in the request.
    fetch: (request) => send(abortAfter(request, timeout)),
  })
}

/**
 * abortAfter returns request with a signal that also aborts it after timeout, in
 * milliseconds, by a `TimeoutError`. That covers reading the body of the response.
 */
export function abortAfter(request: Request, timeout: number): Request {
  const controller = new AbortController()
  const limited = new Request(request, { signal: AbortSignal.any([request.signal, controller.signal]) })
  // Node.js holds the signals of a Request weakly: with AbortSignal.timeout, the garbage
  // collector can take them, and the request is never aborted. So the timer holds it.
  const timer = setTimeout((held: Request) => held.signal.aborted || controller.abort(new DOMException('the call timed out', 'TimeoutError')), timeout, limited)
  // That of Node.js must not keep a process alive; a browser's is a number.
  ;(timer as { unref?: () => void }).unref?.()
  return limited
}

/** unwrap returns the body of a success, and throws a LatchkeyError for everything else. */
export async function unwrap<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let settled: { data?: T; error?: unknown; response: Response }
  try {
    settled = await answer
  } catch (cause) {
    throw failureOf(cause)
  }
  const { data, error, response } = settled
  if (!response.ok || error !== undefined) throw errorOf(error, response)
  return data as T
}

/** expected returns data if it is a response of the service: a proxy may have answered instead. */
export function expected<T>(data: T, isRight: (data: T) => unknown): T {
  if (typeof data !== 'object' || data === null || !isRight(data)) {
    throw new LatchkeyError('the response is not from Latchkey', { code: 'unexpected_response', status: 200 })
  }
  return data
}

// failureOf returns the error of a call without a response. An abort by the caller stays an AbortError.
function failureOf(cause: unknown): unknown {
  const { name } = cause as { name?: unknown }
  if (cause instanceof LatchkeyError || name === 'AbortError') return cause
  if (name === 'TimeoutError') return new LatchkeyError('Latchkey did not answer in time', { code: 'timeout', status: 0, cause })
  if (name === 'SyntaxError') return new LatchkeyError('the response is not JSON', { code: 'unexpected_response', status: 200, cause })
  return new LatchkeyError('Latchkey could not be reached', { code: 'network_error', status: 0, cause })
}
