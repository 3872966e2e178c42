import { NextRequest, NextResponse } from 'next/server.js'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { clientId, clientSecret, issuer, Latchkey as Service } from '../../../test/latchkey.js'
import { Latchkey } from './index.js'

const origin = 'https://app.example.com'
let service: Service
let cookie: string

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
  service = new Service()
  cookie = ''
})
afterEach(() => {
  vi.useRealTimers()
})

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000)

function app(options: Parameters<typeof Latchkey>[0] = {}) {
  const base = { issuer, clientId, clientSecret, secret: 's'.repeat(32), baseUrl: origin, fetch: service.fetch, timeout: 50, protect: ['/dashboard(.*)'] }
  return Latchkey({ ...base, ...options })
}

function request(path: string, headers: Record<string, string> = {}, method = 'GET') {
  return new NextRequest(origin + path, { method, headers: { accept: 'text/html', ...(cookie && { cookie }), ...headers } })
}

const call = { accept: 'application/json' }
const keep = (answer: Response) => {
  cookie = answer.headers
    .getSetCookie()
    .map((line) => line.split(';')[0]!)
    .filter((pair) => !pair.endsWith('='))
    .join('; ')
}

async function signIn(one: ReturnType<typeof app>, claims: Record<string, unknown> = { onboarded: true }) {
  cookie = ''
  const begun = await one.handlers.GET(request('/api/auth/signin'))
  keep(begun)
  keep(await one.handlers.GET(request(service.authorize(begun.headers.get('location')!, { sub: 'ada', claims }).slice(origin.length))))
  service.requests.length = 0
}

const passes = (answer: Response) => answer.headers.get('x-middleware-next') === '1'
const leadsTo = (answer: Response) => {
  expect(answer.headers.get('cache-control')).toBe('private, no-store') // or the history of the browser leads there again
  return [answer.status, answer.headers.get('location')?.slice(origin.length)]
}

test('people who are not signed in pass where nothing is protected, and are led to sign in elsewhere', async () => {
  const { proxy } = app()
  expect(passes(await proxy(request('/')))).toBe(true)
  expect(passes(await proxy(request('/api/auth/signin')))).toBe(true)
  expect(leadsTo(await proxy(request('/dashboard?tab=1')))).toEqual([307, '/api/auth/signin?redirectTo=%2Fdashboard%3Ftab%3D1'])
  expect(leadsTo(await proxy(request('/%64ashboard')))[0]).toBe(307)
  expect(leadsTo(await proxy(request('/dashboard', { 'next-action': 'x' }, 'POST')))[0]).toBe(303)
  const answer = await proxy(request('/dashboard/data', call))
  expect([answer.status, await answer.json()]).toEqual([401, { error: 'unauthenticated' }])
})

test('a forged cookie is no session, and is removed', async () => {
  cookie = '__Host-latchkey-session=eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..x.x.x'
  const answer = await app().proxy(request('/dashboard'))
  expect(leadsTo(answer)[0]).toBe(307)
  expect(answer.headers.getSetCookie()).toEqual(['__Host-latchkey-session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure'])
})

test('pages see the session as the browser will have it', async () => {
  const one = app()
  await signIn(one)
  const before = cookie
  expect((await one.proxy(request('/dashboard'))).headers.getSetCookie()).toEqual([])
  pass(280)
  const answer = await one.proxy(request('/dashboard'))
  keep(answer)
  expect(cookie).not.toBe(before)
  expect(answer.headers.get('cache-control')).toBe('private, no-store') // or a cache gives the session to others
  expect(answer.headers.get('x-middleware-request-cookie')).toBe(cookie)
  expect(answer.headers.get('x-middleware-request-x-latchkey-path')).toBe('/dashboard')
  expect(service.count('/oauth2/token')).toBe(1)
})

test('an answer to an action writes no session: it may be the one that signs out', async () => {
  const one = app()
  await signIn(one)
  const before = cookie
  pass(280)
  const answer = await one.proxy(request('/dashboard', { 'next-action': 'x' }, 'POST'))
  expect(answer.headers.getSetCookie()).toEqual([])
  expect(answer.headers.get('x-middleware-request-cookie')).not.toBe(before) // the action itself sees it
  expect(service.newest.ended).toBe(false)
})

test('people who are not onboarded are led to it from all pages, once', async () => {
  const one = app({ onboarding: '/signup' })
  await signIn(one, { onboarded: false })
  for (const path of ['/', '/dashboard', '/pricing']) expect(leadsTo(await one.proxy(request(path)))).toEqual([307, '/signup'])
  expect(passes(await one.proxy(request('/signup')))).toBe(true)
  expect(passes(await one.proxy(request('/api/notes', call)))).toBe(true) // answers for itself
  await signIn(one)
  expect(passes(await one.proxy(request('/dashboard')))).toBe(true)
})

test.each(['away', 'slow', 'broken'] as const)('while Latchkey is %s what is protected answers 503, and the rest works', async (mood) => {
  const one = app()
  await signIn(one)
  pass(60)
  service.mood = mood
  const shown = await one.proxy(request('/dashboard'))
  expect(shown.status).toBe(503)
  expect(await shown.text()).toContain('Sign-in is unavailable')
  for (const headers of [call, { rsc: '1' }, { 'next-action': 'x' }] as Record<string, string>[]) expect((await one.proxy(request('/dashboard', headers))).status).toBe(503)
  const open = await one.proxy(request('/'))
  expect([passes(open), open.headers.getSetCookie()]).toEqual([true, []])
  const handler = vi.fn(() => new Response('secret'))
  expect((await one.auth.protect(handler)(request('/api/x', call), {})).status).toBe(503)
  expect(handler).not.toHaveBeenCalled()
})

test('a policy that refuses the session is shown, and keeps it', async () => {
  const one = app()
  await signIn(one)
  service.newest.refused = true
  pass(60)
  const answer = await one.proxy(request('/dashboard'))
  expect([answer.status, answer.headers.getSetCookie()]).toEqual([403, []])
})

test('a proxy of the application sees who it is, and keeps what it adds', async () => {
  const one = app()
  await signIn(one)
  pass(60)
  const proxy = one.proxy((request) => {
    const headers = new Headers(request.headers)
    headers.set('x-user', request.auth!.user.id)
    return NextResponse.next({ request: { headers }, headers: { 'x-frame-options': 'DENY' } })
  })
  const answer = await proxy(request('/'))
  expect(answer.headers.get('x-middleware-request-x-user')).toBe('ada')
  expect(answer.headers.get('x-frame-options')).toBe('DENY')
  expect(answer.headers.get('x-middleware-override-headers')!.split(',').sort()).toEqual(['accept', 'cookie', 'x-latchkey-path', 'x-user'])
  keep(answer)
  expect(answer.headers.get('x-middleware-request-cookie')).toBe(cookie)
  const moved = one.auth((request) => (request.auth ? NextResponse.redirect(`${origin}/home`) : undefined))
  expect((await moved(request('/'), {})).headers.get('location')).toBe(`${origin}/home`)
  expect((await one.proxy(() => new Response('own'))(request('/dashboard'))).status).toBe(200)
})

test('route handlers answer 401 and 403 to those who may not', async () => {
  const one = app()
  const GET = one.auth.protect({ role: 'admin' }, ({ auth }) => Response.json(auth.team))
  expect((await GET(request('/api/x', call), {})).status).toBe(401)
  await signIn(one)
  expect((await GET(request('/api/x', call), {})).status).toBe(403)
  const refuse = async (needs: object) => (await (await one.auth.protect(needs, () => new Response())(request('/api/x', call), {})).json()) as { error: string }
  expect(await refuse({ team: 'acme' })).toEqual({ error: 'forbidden' })
  expect(await refuse({ team: true })).toEqual({ error: 'forbidden' })
  pass(599)
  expect((await one.auth.protect({ recentlyVerified: true, onboarded: true }, () => new Response('yes'))(request('/api/x', call), {})).status).toBe(200)
  pass(1)
  expect(await refuse({ recentlyVerified: true })).toEqual({ error: 'reauth_required' })
  expect(await refuse({ recentlyVerified: 60 })).toEqual({ error: 'reauth_required' })
})
