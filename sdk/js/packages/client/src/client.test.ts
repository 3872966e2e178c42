import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, expectTypeOf, test, vi } from 'vitest'
import { beginsOnPage, createClient, LatchkeyError, type LatchkeyErrorCode, unwrap } from './index.js'

const session = { user: { id: 'ada' }, session: { id: 's' }, former_ids: [] }
const problem = (status: number, body: object, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json', ...headers } })

// answering makes a client whose requests are kept, and answered by handler.
function answering(handler: (request: Request) => Response | Promise<Response>, options = {}) {
  const requests: Request[] = []
  const client = createClient({
    baseUrl: 'https://auth.example.com/',
    ...options,
    fetch: async (request) => {
      requests.push(request.clone() as Request)
      return handler(request)
    },
  })
  return { client, requests }
}

// aborted answers never, and fails once the request is aborted.
function aborted({ signal }: Request): Promise<Response> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

async function refusal(promise: Promise<unknown>): Promise<LatchkeyError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(LatchkeyError)
  return error as LatchkeyError
}

describe('the session', () => {
  test('is asked for with the cookie', async () => {
    const { client, requests } = answering(() => Response.json(session))
    expect(await client.session.get()).toEqual(session)
    expect(requests[0]).toMatchObject({ url: 'https://auth.example.com/v1/session', credentials: 'include' })
    await client.session.get({ teamId: 'acme' })
    expect(requests[1]?.url).toBe('https://auth.example.com/v1/session?team_id=acme')
  })

  test('is null if no one is signed in, and then there is nothing to sign out of', async () => {
    const { client } = answering(() => problem(401, { code: 'unauthenticated', detail: 'sign in' }))
    expect(await client.session.get()).toBeNull()
    await client.session.signOut()
  })

  test.each<[string, () => Response | Promise<Response>, string, number]>([
    ['away', () => Promise.reject(new TypeError('fetch failed')), 'network_error', 0],
    ['down', () => problem(503, { code: 'unavailable', retry_after: 5 }), 'unavailable', 503],
    ['answering 500', () => problem(500, { code: 'internal' }), 'internal', 500],
    ['a page of a proxy with 502', () => new Response('<h1>Bad gateway</h1>', { status: 502 }), 'unexpected_response', 502],
    ['a page of a proxy with 200', () => new Response('<h1>Sign in to the Wi-Fi</h1>'), 'unexpected_response', 200],
    ['another 401', () => new Response('<h1>401</h1>', { status: 401 }), 'unexpected_response', 401],
    ['empty', () => new Response(null, { status: 204 }), 'unexpected_response', 200],
    ['null', () => Response.json(null), 'unexpected_response', 200],
    ['something else', () => Response.json({}), 'unexpected_response', 200],
    ['cut', () => new Response('{"user":{"id":"ada"},"sess'), 'unexpected_response', 200],
  ])('a service that is %s signs no one in, and no one out', async (_, answer, code, status) => {
    const { client } = answering(answer)
    expect(await refusal(client.session.get())).toMatchObject({ code, status })
  })

  test('a slow service is given up', async () => {
    const { client } = answering(aborted, { timeout: 20 })
    expect(await refusal(client.session.get())).toMatchObject({ code: 'timeout', status: 0 })
  })

  test('a slow service is given up, although the garbage collector runs', async () => {
    const server = createServer(() => {}).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const collecting = setInterval(collectGarbage, 5)
    try {
      const client = createClient({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, timeout: 200 })
      expect(await refusal(client.session.get())).toMatchObject({ code: 'timeout', status: 0 })
    } finally {
      clearInterval(collecting)
      server.closeAllConnections()
      server.close()
    }
  })

  test('what the caller aborts stays an AbortError', async () => {
    const { client } = answering(aborted)
    const abort = new AbortController()
    const answer = unwrap(client.api.GET('/v1/me', { signal: abort.signal }))
    abort.abort()
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' })
  })
})

test('a refusal says all that the service says', async () => {
  const said = {
    title: 'Taken',
    status: 409,
    code: 'identity_taken',
    detail: 'this wallet belongs to another account',
    request_id: 'r1',
    field: 'message',
    ticket: 't1',
    ticket_kind: 'merge',
    rule: 'required_providers',
    missing: ['google'],
    retry_after: 7,
    app_code: 'not_a_customer',
  }
  const { client } = answering(() => problem(409, said))
  const error = await refusal(client.siwe.verify({ message: 'm', signature: '0x' }))
  expect({ ...error }).toEqual({
    name: 'LatchkeyError',
    answered: true,
    code: 'identity_taken',
    status: 409,
    requestId: 'r1',
    field: 'message',
    ticket: 't1',
    ticketKind: 'merge',
    rule: 'required_providers',
    missing: ['google'],
    retryAfter: 7,
    appCode: 'not_a_customer',
  })
  expect(error.message).toBe(said.detail)
  const oauth = answering(() => problem(400, { error: 'invalid_request', error_description: 'wrong', code: 'client_not_found', request_id: 'r2' }, { 'retry-after': '9' }))
  expect(await refusal(oauth.client.getAccessToken())).toMatchObject({ message: 'wrong', code: 'client_not_found', requestId: 'r2', retryAfter: 9 })
  expectTypeOf<'identity_taken' | 'timeout'>().toExtend<LatchkeyErrorCode>()
})

describe('access tokens', () => {
  const issuing = (expires_in = 300) => {
    let issued = 0
    return answering((request) =>
      request.url.endsWith('/v1/token') ? Response.json({ access_token: `token-${++issued}`, token_type: 'Bearer', expires_in }) : Response.json(session),
    )
  }

  test('callers at once share a request, and later ones need none', async () => {
    const { client, requests } = issuing()
    const all = await Promise.all(Array.from({ length: 10 }, () => client.getAccessToken({ clientId: 'web' })))
    expect(new Set(all)).toEqual(new Set(['token-1']))
    await client.getAccessToken({ clientId: 'web' })
    expect(requests).toHaveLength(1)
    expect(await requests[0]?.json()).toEqual({ client_id: 'web' })
  })

  test('each client and team has its own', async () => {
    const { client, requests } = issuing()
    const asked = [{}, { clientId: 'web' }, { clientId: 'web', teamId: 'acme' }, { teamId: 'acme' }]
    expect(new Set(await Promise.all(asked.map((request) => client.getAccessToken(request)))).size).toBe(4)
    expect(await Promise.all(requests.map((request) => request.json()))).toEqual([{}, { client_id: 'web' }, { client_id: 'web', team_id: 'acme' }, { team_id: 'acme' }])
  })

  test('are renewed 30 seconds before they expire', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { client } = issuing()
    expect(await client.getAccessToken()).toBe('token-1')
    vi.setSystemTime(Date.now() + 269_000)
    expect(await client.getAccessToken()).toBe('token-1')
    vi.setSystemTime(Date.now() + 1_000)
    expect(await client.getAccessToken()).toBe('token-2')
    vi.useRealTimers()
  })

  test('of a session that has ended are forgotten, also those under way', async () => {
    const { client } = issuing()
    const before = client.getAccessToken()
    const out = client.session.signOut()
    const meanwhile = client.getAccessToken()
    expect([await before, await meanwhile]).toEqual(['token-1', 'token-2'])
    await out
    expect(await client.getAccessToken()).toBe('token-3')
    await client.email.verify({ code: '123456' })
    expect(await client.getAccessToken()).toBe('token-4')
  })

  test('of another person in another tab are never used for the one whom the page shows', async () => {
    let id = 'of-ada'
    let issued = 0
    const { client } = answering((request) =>
      request.url.endsWith('/v1/token')
        ? Response.json({ access_token: `token-${++issued}`, token_type: 'Bearer', expires_in: 300 })
        : Response.json({ ...session, session: { id } }),
    )
    await client.session.get()
    expect(await client.getAccessToken()).toBe('token-1')
    await client.session.get()
    expect(await client.getAccessToken()).toBe('token-1')
    id = 'of-bob'
    await client.session.get()
    expect(await client.getAccessToken()).toBe('token-2')
  })

  test('a failure is not kept', async () => {
    let broken = true
    const { client } = answering(() => (broken ? problem(503, { code: 'unavailable' }) : Response.json({ access_token: 'token', token_type: 'Bearer', expires_in: 300 })))
    expect((await refusal(client.getAccessToken())).code).toBe('unavailable')
    broken = false
    expect(await client.getAccessToken()).toBe('token')
  })

  test('a service that answers without one gives none', async () => {
    for (const body of [{}, { access_token: 7, expires_in: 300 }, { access_token: 'token' }, { access_token: 'token', expires_in: 'soon' }]) {
      const { client } = answering(() => Response.json(body))
      expect((await refusal(client.getAccessToken())).code).toBe('unexpected_response')
    }
  })
})

describe('signInUrl', () => {
  const { client, requests } = answering(() => Response.json({ url: 'https://accounts.google.com/' }))

  test('is a plain address to sign in', () => {
    expect(client.signInUrl('google')).toBe('https://auth.example.com/v1/auth/google/start')
    expect(client.signInUrl('google', { returnTo: '/notes?a=1&b=2' })).toBe('https://auth.example.com/v1/auth/google/start?return_to=%2Fnotes%3Fa%3D1%26b%3D2')
    expect(client.signInUrl(undefined, { returnTo: 'https://app.example.com/' })).toBe('https://auth.example.com/sign-in?return_to=https%3A%2F%2Fapp.example.com%2F')
    expect(client.signInUrl('../../x?')).toBe('https://auth.example.com/v1/auth/..%2F..%2Fx%3F/start')
    expect(createClient().signInUrl('google')).toBe('/v1/auth/google/start')
  })

  test('is the sign-in page for what begins there', async () => {
    const contract = await readFile(new URL('../../../../../api/openapi.yaml', import.meta.url), 'utf8')
    const kinds = /^ {4}Provider:\n(?: {6}.*\n)*? {8}kind: \{ type: string, enum: \[(.+)\] \}/m.exec(contract)?.[1]?.split(', ') ?? []
    expect(kinds).toContain('solana')
    expect(kinds.filter((kind) => !beginsOnPage(kind))).toEqual(['redirect'])
    for (const provider of [...kinds.filter((kind) => kind !== 'redirect'), 'siwe', 'latchkey', 'recovery']) {
      expect(client.signInUrl(provider, { returnTo: '/notes' })).toBe('https://auth.example.com/sign-in?return_to=%2Fnotes')
    }
    for (const provider of ['google', 'constructor', 'Wallet', '']) expect(beginsOnPage(provider), provider).toBe(false)
  })

  test('is begun for this browser to link and to step up', async () => {
    expect(await client.signInUrl('google', { purpose: 'link', returnTo: '/account' })).toBe('https://accounts.google.com/')
    expect(requests[0]).toMatchObject({ method: 'POST', url: 'https://auth.example.com/v1/auth/google/start' })
    expect(await requests[0]?.json()).toEqual({ purpose: 'link', return_to: '/account' })
    expectTypeOf(client.signInUrl('google', { purpose: 'step_up' })).toEqualTypeOf<Promise<string>>()
    expectTypeOf(client.signInUrl('google', { purpose: 'sign_in' })).toEqualTypeOf<string>()
  })

  test('leads nowhere astray', () => {
    for (const returnTo of ['//evil.example', '/\\evil.example', '/\t/evil.example', 'javascript:alert(1)', 'data:text/html,x', 'evil.example', '', ' /x', 'http:']) {
      expect(() => client.signInUrl('google', { returnTo }), returnTo).toThrow(TypeError)
      expect(() => client.signInUrl('google', { returnTo, purpose: 'link' }), returnTo).toThrow(TypeError)
    }
  })

  test('on another host than the service, a path is one of this page', () => {
    vi.stubGlobal('location', { origin: 'https://app.example.com' })
    expect(client.signInUrl('google', { returnTo: '/notes' })).toContain('return_to=https%3A%2F%2Fapp.example.com%2Fnotes')
    vi.stubGlobal('location', { origin: 'https://auth.example.com' })
    expect(client.signInUrl('google', { returnTo: '/notes' })).toContain('return_to=%2Fnotes')
    vi.unstubAllGlobals()
  })
})
