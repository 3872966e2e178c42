import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { clientId, clientSecret, issuer, type Person, Latchkey as Service } from '../../../test/latchkey.js'
import { jarOf } from './cookies.js'
import { Latchkey, type Session } from './index.js'

const secret = 's'.repeat(32)
const origin = 'https://app.example.com'
const person = { sub: 'ada', claims: { name: 'Ada', email: 'ada@example.com' } }

let service: Service

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
  service = new Service()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000)

// A browser with the cookies of the application.
class Browser {
  readonly cookies = new Map<string, string>()
  readonly #handlers

  constructor(options: Parameters<typeof Latchkey>[0] = {}) {
    this.#handlers = Latchkey({ issuer, clientId, clientSecret, secret, baseUrl: origin, fetch: service.fetch, timeout: 50, ...options }).handlers
  }

  get header(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  async go(path: string, init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {}): Promise<Response> {
    const method = init.method ?? 'GET'
    const own = method === 'POST' ? { origin } : {}
    const headers: Record<string, string> = { cookie: this.header, accept: 'text/html', 'sec-fetch-dest': 'document', ...own, ...init.headers }
    const answer = await this.#handlers[method as 'GET' | 'POST'](new Request(origin + path, { ...init, headers }))
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value, rest] = /^([^=]+)=([^;]*)(.*)$/.exec(line)!
      expect(rest).toMatch(/^; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure$/)
      expect(name).toMatch(/^__Host-/)
      if (rest!.includes('Max-Age=0;')) this.cookies.delete(name!)
      else this.cookies.set(name!, value!)
    }
    return answer
  }

  post(path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Response> {
    return this.go(path, { method: 'POST', body: new URLSearchParams(fields), headers })
  }

  async begin(query = ''): Promise<string> {
    const answer = await this.go(`/api/auth/signin${query}`)
    expect(answer.status).toBe(303)
    return answer.headers.get('location')!
  }

  // Returns where the sign-in led.
  async signIn(query = '', who: Person = person): Promise<string> {
    const back = service.authorize(await this.begin(query), who)
    const answer = await this.go(back.slice(origin.length))
    expect(answer.status, await answer.clone().text()).toBe(303)
    return answer.headers.get('location')!
  }

  async session(): Promise<Session | null> {
    return (await this.go('/api/auth/session', { headers: { accept: 'application/json', 'sec-fetch-dest': 'empty' } })).json() as Promise<Session | null>
  }
}

test('a sign-in asks for what it should, and gives a session without tokens', async () => {
  const browser = new Browser()
  expect(await browser.session()).toBeNull()
  const to = new URL(await browser.begin('?redirectTo=/dashboard'))
  expect(to.origin + to.pathname).toBe(`${issuer}/oauth2/authorize`)
  const { state, nonce, code_challenge, ...rest } = Object.fromEntries(to.searchParams)
  expect(rest).toEqual({
    client_id: clientId,
    redirect_uri: `${origin}/api/auth/callback`,
    response_type: 'code',
    scope: 'openid profile email wallets',
    code_challenge_method: 'S256',
  })
  for (const value of [state, nonce, code_challenge]) expect(value).toMatch(/^[\w-]{43}$/)
  expect(await browser.signIn('?redirectTo=/dashboard')).toBe('/dashboard')
  const session = await browser.session()
  expect(session).toMatchObject({
    id: service.sid,
    user: { id: 'ada', name: 'Ada', email: 'ada@example.com', wallets: [], onboarded: false, formerIds: [] },
    methods: ['google'],
    app: { plan: 'pro' },
  })
  expect(JSON.stringify(session)).not.toMatch(/eyJ|refresh|access/)
  expect(browser.header).not.toContain('eyJhbGciOiJFUzI1') // tokens are encrypted
})

test('a provider is gone to directly, and comes back to the request', async () => {
  const to = new URL(await new Browser().begin('?provider=google'))
  expect(to.pathname).toBe('/v1/auth/google/start')
  const back = new URL(to.searchParams.get('return_to')!, issuer)
  expect([back.pathname, back.searchParams.get('done')]).toEqual(['/sign-in', 'google'])
  expect(back.searchParams.get('return_to')).toMatch(/^\/oauth2\/authorize\?client_id=app&/)
  expect(to.searchParams.get('return_to')!.length).toBeLessThan(2048)
  for (const provider of ['wallet', 'siwe', 'email', 'passkey', 'solana', '../../evil', 'a/b', '%2e']) {
    expect(new URL(await new Browser().begin(`?provider=${encodeURIComponent(provider)}`)).pathname).toBe('/oauth2/authorize')
  }
})

describe('no helper leads to another site', () => {
  const evil = [
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    '/..//evil.example',
    'https://app.example.com@evil.example',
    'javascript:alert(1)',
  ]
  test.each(evil)('%j', async (to) => {
    const query = new URLSearchParams({ redirectTo: to, callbackUrl: to, state: to })
    const browser = new Browser()
    expect(await browser.signIn(`?${query}`)).toBe('/')
    expect((await browser.go(`/api/auth/signin?${query}`)).headers.get('location')).toBe('/') // signed in already
    expect((await browser.go(`/api/auth/signed-out?${query}`)).headers.get('location')).toBe('/')
    for (const page of ['signout', 'unavailable']) expect(await (await browser.go(`/api/auth/${page}?${query}`)).text()).not.toContain('evil')
    const out = new URL((await browser.post('/api/auth/signout', { redirectTo: to })).headers.get('location')!)
    expect([out.origin, out.searchParams.get('post_logout_redirect_uri'), out.searchParams.get('state')]).toEqual([issuer, `${origin}/api/auth/signed-out`, '/'])
    const host = { 'x-forwarded-host': 'evil.example', host: 'evil.example' }
    expect((await browser.go('/api/auth/signin', { headers: host })).headers.get('location')).toContain(encodeURIComponent(`${origin}/api/auth/callback`))
  })
})

describe('an answer is refused', () => {
  const cases: Record<string, (back: URL, browser: Browser) => void> = {
    'in another browser': (_, browser) => browser.cookies.clear(),
    'without state': (back) => back.searchParams.delete('state'),
    'with another state': (back) => back.searchParams.set('state', `${back.searchParams.get('state')}x`),
    'without iss': (back) => back.searchParams.delete('iss'),
    'of another issuer': (back) => back.searchParams.set('iss', 'https://evil.example'),
    'without a code': (back) => back.searchParams.delete('code'),
    'with another code': (back) => back.searchParams.set('code', 'x'),
    'after more than an hour': () => pass(3601),
    'by another nonce': () => (service.tamper = (claims) => ({ ...claims, nonce: 'x' })),
    'without a nonce': () => (service.tamper = ({ nonce: _, ...claims }) => claims),
    'for another client': () => (service.tamper = (claims) => ({ ...claims, aud: 'other' })),
    'for several clients, another of which asked': () => (service.tamper = (claims) => ({ ...claims, aud: [clientId, 'other'], azp: 'other' })),
    'with an ID token of another issuer': () => (service.tamper = (claims) => ({ ...claims, iss: 'https://evil.example' })),
    'with an ID token that has expired': () => (service.tamper = (claims) => ({ ...claims, exp: Math.floor(Date.now() / 1000) - 60 })),
    'with an ID token without a session': () => (service.tamper = ({ sid: _, ...claims }) => claims),
    'with an ID token by another key': () => (service.strange = true),
  }
  test.each(Object.keys(cases))('%s', async (name) => {
    const browser = new Browser()
    const back = new URL(service.authorize(await browser.begin(), person))
    cases[name]!(back, browser)
    const answer = await browser.go(back.pathname + back.search)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(await answer.text()).toContain('Sign in')
    expect(await browser.session()).toBeNull()
  })

  test('by a second use', async () => {
    const browser = new Browser()
    const back = new URL(service.authorize(await browser.begin(), person))
    const cookies = new Map(browser.cookies)
    expect((await browser.go(back.pathname + back.search)).status).toBe(303)
    // Back and forth in the history leads on, and changes nothing.
    expect((await browser.go(back.pathname + back.search)).headers.get('location')).toBe('/')
    const other = new Browser()
    for (const [name, value] of cookies) other.cookies.set(name, value)
    expect((await other.go(back.pathname + back.search)).status).toBe(400)
    expect(await other.session()).toBeNull()
  })

  test('with what Latchkey says, without its words', async () => {
    const browser = new Browser()
    const state = new URL(await browser.begin()).searchParams.get('state')!
    const query = new URLSearchParams({ error: 'access_denied', error_description: '<script>alert(1)</script>', state, iss: issuer })
    const answer = await browser.go(`/api/auth/callback?${query}`)
    expect(answer.status).toBe(400)
    expect(await answer.text()).not.toContain('alert')
  })
})

test('tabs sign in at once, and left ones pile up no cookies', async () => {
  const browser = new Browser()
  const backs: string[] = []
  for (let i = 0; i < 4; i++) backs.push(service.authorize(await browser.begin(`?redirectTo=/${i}`), person))
  for (const [i, back] of backs.entries()) expect((await browser.go(back.slice(origin.length))).headers.get('location')).toBe(`/${i}`)
  const other = new Browser()
  for (let i = 0; i < 30; i++) await other.begin()
  expect(other.cookies.size).toBeLessThanOrEqual(6)
})

test('a new sign-in ends the session that it replaces', async () => {
  const browser = new Browser()
  await browser.signIn()
  const old = service.sid
  const header = browser.header
  await browser.signIn('?team=acme')
  expect((await browser.session())?.team).toEqual({ id: 'acme', role: 'member' })
  expect(service.sessions.get(old)!.ended).toBe(true)
  const before = new Browser()
  for (const name of jarOf(header).names()) before.cookies.set(name, jarOf(header).get(name)!)
  pass(60)
  expect(await before.session()).toBeNull()
})

describe('a cookie', () => {
  const long = { sub: 'ada', claims: { wallets: Array.from({ length: 40 }, (_, i) => ({ address: `0x${String(i).padStart(40, '0')}`, chain_id: 1, kind: 'eoa' })) } }
  test('of more than 4 KB is kept in pieces', async () => {
    const browser = new Browser()
    await browser.signIn('', long)
    expect(browser.cookies.size).toBeGreaterThan(1)
    for (const [name, value] of browser.cookies) expect(name.length + value.length).toBeLessThan(4000)
    expect((await browser.session())?.user.wallets).toHaveLength(40)
  })

  const each = (browser: Browser, change: (value: string) => string) => {
    for (const [name, value] of browser.cookies) browser.cookies.set(name, change(value))
  }
  const changes: Record<string, (browser: Browser) => void> = {
    'without a piece': (b) => b.cookies.delete([...b.cookies.keys()][0]!),
    'with its pieces mixed up': (b) => {
      const [[one, first], [two, second]] = [...b.cookies] as [[string, string], [string, string]]
      b.cookies.set(one, second).set(two, first)
    },
    'that was cut': (b) => each(b, (value) => value.slice(0, -1)),
    'with one character changed': (b) => each(b, (value) => `${value.slice(0, 500)}${value[500] === 'A' ? 'B' : 'A'}${value.slice(501)}`),
    'of nothing': (b) => each(b, () => ''),
    'of an unsecured token': (b) => {
      b.cookies.clear()
      b.cookies.set('__Host-latchkey-session', `${btoa('{"alg":"none"}')}.${btoa('{"v":{"id":"x"}}')}.`)
    },
    'of a sign-in': (b) => {
      b.cookies.clear()
    },
  }
  test.each(Object.keys(changes))('%s is no session', async (name) => {
    const browser = new Browser()
    await browser.signIn('', long)
    changes[name]!(browser)
    if (name === 'of a sign-in') {
      await browser.begin()
      browser.cookies.set('__Host-latchkey-session', [...browser.cookies.values()][0]!)
    }
    expect(await browser.session()).toBeNull()
  })

  test.each([
    ['of an application with another secret', { secret: 'o'.repeat(32) }],
    ['of another client with the same secret', { clientId: 'other' }],
  ])('%s is no session', async (_, options) => {
    const browser = new Browser()
    await browser.signIn()
    const other = new Browser(options)
    for (const [name, value] of browser.cookies) other.cookies.set(name, value)
    expect(await other.session()).toBeNull()
  })

  test('is read by the secret before, and written by the present one', async () => {
    const browser = new Browser()
    await browser.signIn()
    const rotated = new Browser({ secret: ['n'.repeat(32), secret] })
    for (const [name, value] of browser.cookies) rotated.cookies.set(name, value)
    pass(60)
    expect(await rotated.session()).not.toBeNull()
    const after = new Browser({ secret: 'n'.repeat(32) })
    for (const [name, value] of rotated.cookies) after.cookies.set(name, value)
    expect(await after.session()).not.toBeNull()
  })
})

describe('back-channel logout', () => {
  const logout = async (browser: Browser, claims: Record<string, unknown>, header = {}) =>
    (await browser.post('/api/auth/backchannel-logout', { logout_token: await service.logoutToken(claims, header) }, { origin: '' })).status

  test('ends the session at once', async () => {
    const browser = new Browser()
    await browser.signIn()
    expect(await logout(browser, { sid: service.sid })).toBe(200)
    expect(await browser.session()).toBeNull()
    expect(browser.cookies.size).toBe(0)
  })

  test('of a user ends all', async () => {
    const browser = new Browser()
    await browser.signIn()
    expect(await logout(browser, { sub: 'ada' })).toBe(200)
    expect(await browser.session()).toBeNull()
  })

  test('is not overtaken by a sign-in that was on its way', async () => {
    const browser = new Browser()
    const back = service.authorize(await browser.begin(), person)
    let go = () => {}
    service.delay = () => new Promise((resolve) => (go = resolve))
    const arriving = browser.go(back.slice(origin.length))
    await vi.waitFor(() => expect(service.count('/oauth2/token')).toBe(1))
    expect(await logout(browser, { sid: service.sid })).toBe(200)
    go()
    expect((await arriving).status).toBe(400)
    expect(await browser.session()).toBeNull()
  })

  const event = 'http://schemas.openid.net/event/backchannel-logout'
  const wrong: Record<string, [claims: Record<string, unknown>, header?: Record<string, unknown>]> = {
    'an ID token': [{ events: undefined, nonce: 'x' }, { typ: 'JWT' }],
    'another type': [{}, { typ: 'at+jwt' }],
    'another audience': [{ aud: 'other' }],
    'another issuer': [{ iss: 'https://evil.example' }],
    'an expired one': [{ exp: 1 }],
    'one with a nonce': [{ nonce: 'x' }],
    'one without events': [{ events: {} }],
    'one with an event that is no object': [{ events: { [event]: true } }],
    'one without its time': [{ iat: undefined }],
  }
  test.each(Object.keys(wrong))('refuses %s', async (name) => {
    const browser = new Browser()
    await browser.signIn()
    const [claims, header] = wrong[name]!
    expect(await logout(browser, { sid: service.sid, ...claims }, header)).toBe(400)
    expect(await browser.session()).not.toBeNull()
  })

  test('refuses what is no token', async () => {
    const browser = new Browser()
    for (const token of ['', 'x', 'a.b.c', 'x'.repeat(20_000)]) {
      expect((await browser.post('/api/auth/backchannel-logout', { logout_token: token })).status).toBe(400)
    }
    expect(await logout(browser, { sid: undefined, sub: undefined })).toBe(400)
    service.strange = true
    expect(await logout(browser, { sid: 'x' })).toBe(400)
  })

  test('reads no more of a body than a token can have', async () => {
    let sent = 0
    const body = new ReadableStream({
      pull(controller) {
        sent += 4096
        controller.enqueue(new Uint8Array(4096).fill(97))
      },
    })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await new Browser().go('/api/auth/backchannel-logout', { method: 'POST', body, headers, duplex: 'half' } as Parameters<Browser['go']>[1])
    expect(answer.status).toBe(400)
    expect(sent).toBeLessThan(1 << 16)
  })

  test('is answered with 503 where it cannot be remembered, so that it comes again', async () => {
    const browser = new Browser({ revocations: { set: () => Promise.reject(new Error('no redis')), get: async () => undefined } })
    expect(await logout(browser, { sid: 'x' })).toBe(503)
  })
})

describe('signing out', () => {
  test('ends the session here and in Latchkey, and goes on', async () => {
    const browser = new Browser()
    await browser.signIn()
    const { header } = browser
    const answer = await browser.post('/api/auth/signout', { redirectTo: '/bye' })
    const to = new URL(answer.headers.get('location')!)
    expect(to.origin + to.pathname).toBe(`${issuer}/oauth2/logout`)
    expect(to.searchParams.get('id_token_hint')).toMatch(/^eyJ/)
    expect(service.newest.ended).toBe(true)
    expect(browser.cookies.size).toBe(0)
    expect((await browser.go('/api/auth/signed-out?state=%2Fbye')).headers.get('location')).toBe('/bye')
    // Somebody who kept the cookie has nothing.
    for (const name of jarOf(header).names()) browser.cookies.set(name, jarOf(header).get(name)!)
    expect(await browser.session()).toBeNull()
  })

  test('is asked of a page, never of a link or of another site', async () => {
    const browser = new Browser()
    await browser.signIn()
    const asks = await browser.go('/api/auth/signout')
    expect(asks.headers.get('referrer-policy')).toBe('same-origin') // or its form is sent with the origin null
    expect(await asks.text()).toContain('<form method="post"')
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: '', 'sec-fetch-site': 'cross-site' },
      { origin: '', 'sec-fetch-site': 'same-site' },
      { origin: '' },
    ]) {
      for (const path of ['signout', 'session', 'signin']) expect((await browser.post(`/api/auth/${path}`, {}, headers)).status).toBe(403)
    }
    expect(await browser.session()).not.toBeNull()
  })

  test('works while Latchkey is away', async () => {
    const browser = new Browser()
    await browser.signIn()
    service.mood = 'away'
    expect((await browser.post('/api/auth/signout')).headers.get('location')).toBe('/')
    expect(browser.cookies.size).toBe(0)
  })
})

describe.each(['away', 'slow', 'broken'] as const)('while Latchkey is %s', (mood) => {
  test('pages say so, with 503', async () => {
    const browser = new Browser()
    const late = new Browser()
    await browser.signIn()
    const back = service.authorize(await late.begin('?redirectTo=/dashboard'), person)
    pass(60)
    service.mood = mood
    const session = await browser.go('/api/auth/session', { headers: { accept: 'application/json', 'sec-fetch-dest': 'empty' } })
    expect([session.status, await session.json()]).toEqual([503, { error: 'unavailable' }])
    for (const answer of [await late.go('/api/auth/signin'), await late.go(back.slice(origin.length)), await late.go('/api/auth/unavailable?redirectTo=/x')]) {
      expect(answer.status).toBe(503)
      expect(await answer.text()).toContain('Sign-in is unavailable')
    }
    expect(late.header).not.toContain('__Host-latchkey-session=')
    service.mood = 'up'
    pass(5)
    expect(await browser.session()).not.toBeNull() // nothing was lost
  })
})

test('the router of Next.js gets no redirect to another site', async () => {
  const browser = new Browser()
  const answer = await browser.go('/api/auth/signin?redirectTo=/dashboard', { headers: { rsc: '1', accept: '*/*', 'sec-fetch-dest': 'empty' } })
  expect([answer.status, answer.headers.get('content-type'), browser.cookies.size]).toEqual([200, 'text/html; charset=utf-8', 0])
})

test('unknown paths are not found', async () => {
  const browser = new Browser()
  for (const path of ['', 'constructor', '__proto__', 'toString', 'error']) {
    expect((await browser.go(`/api/auth/${path}`)).status).toBe(404)
    expect((await browser.post(`/api/auth/${path}`)).status).toBe(404)
  }
})

describe('without its configuration', () => {
  test.each([
    ['clientSecret', { clientSecret: '' }, 'AUTH_LATCHKEY_SECRET'],
    ['issuer', { issuer: 'http://auth.example.com' }, 'issuer must be an https URL'],
    ['secret', { secret: 'short' }, 'at least 32 characters'],
    ['baseUrl', { baseUrl: 'app.example.com' }, 'baseUrl must be an https URL'],
    ['basePath', { basePath: '/' }, 'basePath must be a path'],
  ])('the log says what is missing, and the page does not: %s', async (_, options, words) => {
    const log = vi.spyOn(console, 'error').mockReturnValue()
    const answer = await new Browser(options).go('/api/auth/signin')
    expect(answer.status).toBe(500)
    expect(await answer.text()).not.toContain(words)
    expect(log).toHaveBeenCalledWith(expect.stringContaining(words))
  })

  test('nothing is needed to load the module', () => {
    expect(() => Latchkey()).not.toThrow()
  })
})
