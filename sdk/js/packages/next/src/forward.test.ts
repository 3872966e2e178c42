import { NextRequest } from 'next/server.js'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Latchkey, type Session } from './index.js'

// The mode for one domain, where Latchkey's own cookie reaches the application.
const issuer = 'https://auth.example.com'
const origin = 'https://app.example.com'

// What Next.js says of the request that it serves.
const surroundings = vi.hoisted(() => ({ headers: new Headers() }))
vi.mock('next/headers', () => ({
  headers: async () => surroundings.headers,
  cookies: async () => ({ get: () => undefined, getAll: () => [], set: () => undefined }),
}))

interface Sent {
  call: string
  headers: Headers
  body: unknown
}

// Latchkey as it answers to a cookie: `__Secure-latchkey=ada` is Ada's.
class Service {
  readonly sent: Sent[] = []
  readonly signedOut = new Set<string>()
  readonly teams = new Map<string, string>()
  /** What is answered instead, and when. */
  instead: (call: string) => Response | Promise<Response> | undefined = () => undefined
  /** Holds an answer that is ready until its promise settles. */
  hold: (call: string) => Promise<void> | undefined = () => undefined

  readonly fetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const call = `${init.method ?? 'GET'} ${new URL(String(input)).pathname}`
    const headers = new Headers(init.headers)
    if (call.endsWith('jwks.json')) return Response.json({ keys: [{}] })
    this.sent.push({ call, headers, body: init.body ? JSON.parse(String(init.body)) : undefined })
    const answer = (await this.instead(call)) ?? this.#answer(call, headers.get('cookie') ?? '')
    await this.hold(call)
    return answer
  }

  count(call: string): number {
    return this.sent.filter((sent) => sent.call === call).length
  }

  #answer(call: string, cookie: string): Response {
    const found = cookie.split('; ').filter((pair) => pair.startsWith('__Secure-latchkey='))
    const who = found.length === 1 ? found[0]!.split('=')[1]! : ''
    if (!who || this.signedOut.has(who)) return Response.json({ code: 'unauthenticated' }, { status: 401 })
    const team = this.teams.get(who)
    const entering = /^POST .v1.teams.(.*).sessions$/.exec(call)?.[1]
    if (entering === 'theirs') return Response.json({ code: 'not_found' }, { status: 404 })
    if (entering) {
      this.teams.set(who, entering)
      return Response.json({}, { status: 201 })
    }
    if (call === 'DELETE /v1/session') {
      this.signedOut.add(who)
      return new Response(null, { status: 204, headers: { 'set-cookie': '__Secure-latchkey=; Path=/; Domain=example.com; Max-Age=0; HttpOnly; Secure; SameSite=Lax' } })
    }
    if (call === 'POST /v1/token') return Response.json({ access_token: `token of ${who}` })
    return Response.json({
      user: { id: who, display_name: who, avatar_url: '', primary_email: null, onboarded_at: null },
      former_ids: [],
      session: { id: `session of ${who}`, methods: ['google'], authenticated_at: new Date().toISOString(), idle_expires_at: '' },
      ...(team && { team_session: { team_id: team, role: 'member' } }),
    })
  }
}

let service: Service
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
  service = new Service()
})
afterEach(() => {
  vi.useRealTimers()
})

function app(options: Parameters<typeof Latchkey>[0] = {}) {
  return Latchkey({ mode: 'cookie', issuer, baseUrl: origin, fetch: service.fetch, timeout: 50, trustedProxies: 1, protect: ['/dashboard'], ...options })
}

const page = { accept: 'text/html', 'sec-fetch-dest': 'document', origin, 'user-agent': 'Firefox', 'x-forwarded-for': '203.0.113.7' }
const request = (path: string, cookie = '__Secure-latchkey=ada', headers: Record<string, string> = {}, method = 'GET') =>
  new NextRequest(origin + path, { method, headers: { ...page, ...(cookie && { cookie }), ...headers } })
const data = { accept: 'application/json', 'sec-fetch-dest': 'empty' }
const sessionIn = async (one: ReturnType<typeof app>, cookie?: string) => {
  const answer = await one.handlers.GET(request('/api/auth/session', cookie, data))
  return answer.ok ? ((await answer.json()) as Session | null) : answer.status
}
const leadsTo = (answer: Response) => {
  const to = new URL(answer.headers.get('location')!, origin)
  return [answer.status, to.origin + to.pathname, Object.fromEntries(to.searchParams)]
}

test('Latchkey is asked with the cookie and for the client, once a minute', async () => {
  const one = app()
  expect(await sessionIn(one, 'theme=dark; __Secure-latchkey=ada; other=1')).toMatchObject({ id: 'session of ada', user: { id: 'ada' } })
  const [sent] = service.sent
  expect(Object.fromEntries(sent!.headers)).toEqual({ cookie: '__Secure-latchkey=ada', 'user-agent': 'Firefox', 'x-forwarded-for': '203.0.113.7' })
  vi.setSystemTime(Date.now() + 59_000)
  await sessionIn(one)
  expect(service.sent).toHaveLength(1)
  vi.setSystemTime(Date.now() + 1000)
  await sessionIn(one)
  expect(service.sent).toHaveLength(2)
  expect(await sessionIn(one, '')).toBeNull()
  expect(await sessionIn(one, '__Secure-latchkey=no')).toMatchObject({ user: { id: 'no' } })
})

test('a cookie that is there twice is no session: a subdomain can plant one', async () => {
  const one = app()
  const planted = '__Secure-latchkey=mallory; __Secure-latchkey=ada'
  expect(await sessionIn(one, planted)).toBeNull()
  expect(service.sent[0]!.headers.get('cookie')).toBe(planted)
  // Nor behind the proxy, which writes the header again.
  const answer = await one.proxy(request('/', planted))
  expect(answer.headers.get('x-middleware-request-cookie')).toBe(planted)
})

describe('signing out', () => {
  const signOut = (one: ReturnType<typeof app>) => one.handlers.POST(request('/api/auth/signout', undefined, {}, 'POST'))

  test('ends the session at Latchkey and takes the cookie from the browser', async () => {
    const one = app()
    await sessionIn(one)
    const answer = await signOut(one)
    expect(leadsTo(answer).slice(0, 2)).toEqual([303, `${origin}/`])
    expect(answer.headers.getSetCookie()).toEqual(['__Secure-latchkey=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure; Domain=example.com'])
    expect(service.signedOut).toEqual(new Set(['ada']))
    expect(await sessionIn(one)).toBeNull()
  })

  test('is not undone by an answer that was on its way', async () => {
    const one = app()
    let go = () => {}
    service.hold = (call) => (call === 'GET /v1/session' ? new Promise((resolve) => (go = resolve)) : undefined)
    const asking = sessionIn(one)
    await vi.waitFor(() => expect(service.count('GET /v1/session')).toBe(1))
    await signOut(one)
    go()
    expect(await asking).toBeNull()
    // Nor by what was known of the same person elsewhere.
    expect(await sessionIn(one)).toBeNull()
    expect(service.count('GET /v1/session')).toBe(1)
  })

  test('says so if Latchkey did not end the session', async () => {
    for (const status of [403, 429, 500]) {
      const one = app()
      service.instead = (call) => (call.startsWith('DELETE') ? Response.json({ code: 'forbidden' }, { status }) : undefined)
      const answer = await signOut(one)
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([status === 403 ? 403 : 503, []])
      expect(await sessionIn(one)).not.toBeNull()
    }
  })
})

test('a person whom Latchkey refuses is not one who is signed out', async () => {
  const one = app()
  service.instead = () => Response.json({ code: 'policy_unsatisfied', detail: 'not from this network' }, { status: 403 })
  const shown = await one.proxy(request('/dashboard'))
  expect([shown.status, shown.headers.get('location')]).toEqual([403, null])
  const refused = await one.auth.protect(() => new Response('secret'))(request('/api/x', undefined, data), {})
  expect([refused.status, await refused.json()]).toEqual([403, { error: 'policy_unsatisfied' }])
  service.instead = () => Response.json({ code: 'user_disabled' }, { status: 403 })
  const other = await app().auth.protect(() => new Response('secret'))(request('/api/x', undefined, data), {})
  expect([other.status, await other.json()]).toEqual([403, { error: 'forbidden' }])
})

describe('signing in', () => {
  const begin = (query: string, cookie = '') => app().handlers.GET(request(`/api/auth/signin?${query}`, cookie))

  test('is on pages of Latchkey, or at a provider', async () => {
    const back = { return_to: `${origin}/dashboard` }
    expect(leadsTo(await begin('redirectTo=/dashboard&loginHint=ada@example.com'))).toEqual([303, `${issuer}/sign-in`, { ...back, login_hint: 'ada@example.com' }])
    expect(leadsTo(await begin('redirectTo=/dashboard&provider=google'))).toEqual([303, `${issuer}/v1/auth/google/start`, { ...back, purpose: 'sign_in' }])
    expect(leadsTo(await begin('redirectTo=/dashboard', '__Secure-latchkey=ada'))).toEqual([303, `${origin}/dashboard`, {}])
  })

  test('has people verify, or choose, where it is asked to', async () => {
    for (const prompt of ['login', 'select_account']) {
      expect(leadsTo(await begin(`provider=google&redirectTo=/dashboard&prompt=${prompt}`, '__Secure-latchkey=ada'))).toEqual([
        303,
        `${issuer}/sign-in`,
        { return_to: `${origin}/dashboard` },
      ])
    }
  })

  test('asks before a link of another site enters a team', async () => {
    const one = app()
    const follow = (site: string) => one.handlers.GET(request('/api/auth/signin?team=acme&redirectTo=%2F%22', undefined, { 'sec-fetch-site': site }))
    const asked = await follow('cross-site')
    expect([asked.status, await asked.text()]).toEqual([200, expect.stringContaining('href="/api/auth/signin?team=acme&amp;redirectTo=%2F%22"')])
    expect(await sessionIn(one)).not.toHaveProperty('team')
    expect((await follow('same-origin')).status).toBe(303)
    expect(await sessionIn(one)).toMatchObject({ team: { id: 'acme' } })
  })

  test('enters a team', async () => {
    const one = app()
    const enter = (team: string, cookie?: string) => one.handlers.GET(request(`/api/auth/signin?team=${team}&redirectTo=/dashboard`, cookie))
    expect(await sessionIn(one)).not.toHaveProperty('team')
    expect(leadsTo(await enter('acme'))).toEqual([303, `${origin}/dashboard`, {}])
    expect(await sessionIn(one)).toMatchObject({ team: { id: 'acme', role: 'member' } })
    expect((await enter('theirs')).status).toBe(403)
    // After a sign-in it goes on.
    const [status, to, query] = leadsTo(await enter('acme', ''))
    expect([status, to, query]).toEqual([303, `${issuer}/sign-in`, { return_to: `${origin}/api/auth/signin?team=acme&redirectTo=%2Fdashboard` }])
    service.instead = (call) => (call.startsWith('POST') ? Response.json({ code: 'policy_unsatisfied' }, { status: 403 }) : undefined)
    const refused = await enter('acme')
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('Your team’s policy')])
  })
})

test('while Latchkey is away, no one is signed in or out, and pages do not wait one after another', async () => {
  const one = app()
  expect(await sessionIn(one)).not.toBeNull()
  vi.setSystemTime(Date.now() + 60_000)
  service.instead = () => Promise.reject(new TypeError('fetch failed'))
  expect(await sessionIn(one)).toBe(503)
  expect(await sessionIn(one)).toBe(503)
  expect(service.count('GET /v1/session')).toBe(2)
  expect((await one.proxy(request('/dashboard'))).status).toBe(503)
  // A limit of Ada is none of Bob.
  const other = app()
  service.instead = (call) => (service.sent.at(-1)!.headers.get('cookie')!.endsWith('ada') && call ? new Response(null, { status: 429 }) : undefined)
  expect(await sessionIn(other)).toBe(503)
  expect(await sessionIn(other, '__Secure-latchkey=bob')).toMatchObject({ user: { id: 'bob' } })
})

test('there is nothing for back-channel logouts to end', async () => {
  const answer = await app().handlers.POST(request('/api/auth/backchannel-logout', '', {}, 'POST'))
  expect(answer.status).toBe(404)
})

test('an access token is for the client that is configured, or the first one', async () => {
  surroundings.headers = request('/').headers
  expect(await app().getAccessToken()).toBe('token of ada')
  expect(await app({ clientId: 'web' }).getAccessToken()).toBe('token of ada')
  service.teams.set('ada', 'acme')
  await app().getAccessToken()
  expect(service.sent.filter(({ call }) => call === 'POST /v1/token').map(({ body }) => body)).toEqual([{}, { client_id: 'web' }, { team_id: 'acme' }])
  const token = (status: number, code: string) => {
    service.instead = (call) => (call === 'POST /v1/token' ? Response.json({ code }, { status }) : undefined)
    return app({ clientId: 'web' }).getAccessToken()
  }
  await expect(token(401, 'unauthenticated')).rejects.toMatchObject({ code: 'unauthenticated' })
  await expect(token(403, 'policy_unsatisfied')).rejects.toMatchObject({ code: 'policy_unsatisfied', status: 403 })
  await expect(token(400, 'invalid_client')).rejects.toMatchObject({ code: 'configuration' })
  await expect(token(429, 'rate_limited')).rejects.toMatchObject({ code: 'unavailable' })
  surroundings.headers = request('/', '').headers
  await expect(app().getAccessToken()).rejects.toMatchObject({ code: 'unauthenticated' })
})

test('auth() is undefined while it is not known who is signed in, and null for no one', async () => {
  surroundings.headers = request('/').headers
  expect((await app().auth())?.user.id).toBe('ada')
  service.instead = () => Promise.reject(new TypeError('fetch failed'))
  expect(await app().auth()).toBeUndefined()
  surroundings.headers = request('/', '').headers
  expect(await app().auth()).toBeNull()
})
