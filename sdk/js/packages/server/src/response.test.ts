import { beforeEach, expect, test, vi } from 'vitest'
import { createAdmin, createIntrospector, errorResponse, LatchkeyError, requireScope, type User, verifyWebhook } from './index.js'
import { bearerToken } from './principal.js'

const options = { issuer: 'https://auth.example.com', apiKey: 'lk_key' }
const log = vi.spyOn(console, 'error').mockReturnValue()
beforeEach(() => {
  log.mockClear()
})

async function thrownBy(run: () => unknown): Promise<unknown> {
  try {
    await run()
  } catch (error) {
    return error
  }
  return undefined
}

const problem = (status: number, code: string) => async () => Response.json({ type: '', title: '', status, code, detail: `it is ${code}`, request_id: 'r1' }, { status })

// What Latchkey says of a call by the application is nothing that the person did.
test.each<[string, () => Promise<Response>, number]>([
  ['an API key that has ended', problem(401, 'unauthenticated'), 500],
  ['an API key without a scope', problem(403, 'insufficient_scope'), 500],
  ['something that the key must not change', problem(403, 'forbidden'), 500],
  ['a user whom there is not', problem(404, 'not_found'), 500],
  ['a request that is wrong', problem(400, 'invalid_request'), 500],
  ['a proxy in front of Latchkey that wants a password', async () => new Response('<h1>401</h1>', { status: 401 }), 500],
  ['too many requests', problem(429, 'rate_limited'), 503],
  ['a fault of Latchkey', problem(500, 'internal'), 503],
  ['a page of a proxy', async () => new Response('<h1>hello</h1>'), 503],
  ['no answer', () => Promise.reject(new TypeError('fetch failed')), 503],
])('%s is no answer to the person', async (_, fetch, status) => {
  const error = await thrownBy(() => createAdmin({ ...options, fetch }).users.get('ada'))
  expect(error).toBeInstanceOf(LatchkeyError)
  const answer = errorResponse(error)
  expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([status, null])
  const body = (await answer.json()) as { code: string }
  expect(body).toMatchObject({ status, code: status === 500 ? 'internal' : 'unavailable' })
  expect(JSON.stringify(body)).not.toContain('API key')
  expect(log).toHaveBeenCalledExactlyOnceWith('latchkey:', error)
})

test('an API key that Latchkey refused has no status that a framework would answer with', async () => {
  for (const fetch of [problem(401, 'unauthenticated'), problem(403, 'insufficient_scope')]) {
    const error = await thrownBy(() => createAdmin({ ...options, fetch }).users.get('ada'))
    expect(error).toMatchObject({ code: 'api_key_refused', status: 500, requestId: 'r1', cause: { status: expect.any(Number) } })
  }
  expect(await thrownBy(() => createAdmin({ ...options, fetch: problem(404, 'not_found') }).users.get('ada'))).toMatchObject({ code: 'not_found', status: 404 })
  const asked = createIntrospector({ ...options, fetch: problem(401, 'unauthenticated') }).verify('token')
  expect(await thrownBy(() => asked)).toMatchObject({ code: 'unavailable', status: 503, cause: { code: 'api_key_refused' } })
})

test('what is wrong with the request itself is answered to it', async () => {
  const user: User = { type: 'user', id: 'ada', session: 's', scopes: [], methods: [], expiresAt: new Date() }
  const header = (answer: Response) => answer.headers.get('www-authenticate')
  const nobody = errorResponse(await thrownBy(() => bearerToken(undefined)))
  expect([nobody.status, header(nobody)]).toEqual([401, 'Bearer'])
  const scope = errorResponse(await thrownBy(() => requireScope(user, 'write')), { scopes: ['write'] })
  expect([scope.status, header(scope)]).toEqual([403, 'Bearer error="insufficient_scope", scope="write"'])
  const forged = errorResponse(await thrownBy(() => verifyWebhook(new Request('https://app.example.com/', { method: 'POST' }), `whsec_${btoa('k'.repeat(32))}`)))
  expect(forged.status).toBe(400)
  expect(log).not.toHaveBeenCalled()
  expect(() => errorResponse(new TypeError('a fault of the program'))).toThrow(TypeError)
})
