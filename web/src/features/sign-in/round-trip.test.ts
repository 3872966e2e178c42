import { describe, expect, it } from 'vitest'
import type { Identity } from '../../api/types'
import { faultIn, readArrival } from '../../auth/arrival'
import { keptMail, keptMerge, type Pending, savePending, takePending } from '../../auth/pending'
import { providerName, rememberLabels, signInUrl, startUrl } from '../../auth/providers'
import { refusedAt, safePath, targetOf } from '../../auth/return-to'
import { isFresh, isRestricted } from '../../auth/step-up'
import { en } from '../../i18n/en'
import { translator } from '../../i18n/translate'
import { noticeOf } from '../account/use-linking'

const t = translator(en, 'en')

const origin = 'http://localhost:8080'

describe('safePath', () => {
  it.each(['/', '/account', '/teams/0193?x=1#members', '/admin'])('keeps %s', (path) => {
    expect(safePath(path, origin)).toBe(path)
  })

  it.each([
    null,
    '',
    'account',
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    '/ /evil.example',
    '/\u0000/evil',
    '/x/..//evil.example',
    'javascript:alert(1)',
    '/v1/auth/google/start',
    '/v1',
    '/sign-in',
    '/sign-in?return_to=/sign-in',
    '/a/../v1/session',
  ])('does not go to %j', (path) => {
    expect(safePath(path, origin)).toBe('/account')
  })
})

describe('targetOf', () => {
  const origins = ['https://app.example.com', 'HTTP://localhost:5173']
  const of = (raw: string | null) => targetOf(raw, origins, origin)

  it.each([
    '/',
    '/account',
    '/account/',
    '/account/sign-in-methods',
    '/device',
    '/admin?user=x',
    '/admin/api-keys',
    '/admin/users/0193',
    '/docs',
    '/sign-out',
    '/teams/0193?x=1#members',
    '/teams/0193/api-keys?page=2',
    '/teams/0193/members/',
  ])('%s is a page of the app', (path) => {
    expect(of(path)).toEqual({ href: path, page: true })
  })

  it.each(['/welcome', '/welcome?x=1#y', '/teams', '/teams/a/b/c', '/account/a/b', '/docs/a', '/accounts', '/dev/mail'])('%s is of another application here', (path) => {
    expect(of(path)).toEqual({ href: path, page: false })
  })

  it.each([
    ['https://app.example.com', 'https://app.example.com/'],
    ['HTTPS://APP.example.com:443/x?y=z#w', 'https://app.example.com/x?y=z#w'],
    ['http://localhost:5173/cb', 'http://localhost:5173/cb'],
  ])('%s is of an origin that the service named', (raw, href) => {
    expect(of(raw)).toEqual({ href, page: false })
  })

  it('is a page of the app by its whole address too', () => {
    expect(of('http://localhost:8080/teams/a?x=1')).toEqual({ href: '/teams/a?x=1', page: true })
    expect(of('http://localhost:8080/v1/auth/google/start').href).toBe('/account')
  })

  it.each([
    null,
    '',
    'app.example.com',
    '//app.example.com',
    '//evil.example',
    '/\\evil.example',
    'https:evil.example',
    'https:\\\\app.example.com',
    'https://evil.example',
    'https://app.example.com.evil.example',
    'https://evil.example/https://app.example.com',
    'https://app.example.com@evil.example',
    'https://app.example.com:x@evil.example',
    'https://user@app.example.com',
    'https://app.example.com\\@evil.example',
    'https://app.example.com:8443',
    'http://app.example.com',
    'https://app.example.com.',
    'http://localhost',
    ' https://app.example.com',
    'https://app.exa\tmple.com',
    'https://app.example.com/\u2028',
    'javascript:alert(1)//https://app.example.com',
    'javascript://app.example.com/%0aalert(1)',
    'data:text/html,x',
    'blob:https://app.example.com/x',
    'https://',
  ])('does not go to %j', (raw) => {
    expect(of(raw)).toEqual({ href: '/account', page: true })
  })

  it('goes to no other origin that was not named', () => {
    expect(targetOf('https://app.example.com/x', [], origin)).toEqual({ href: '/account', page: true })
  })
})

describe('refusedAt', () => {
  it.each([
    ['', '/sign-in?error=x%26'],
    ['/sign-in?return_to=%2Fteams%2Fa%3Fx%3D1&done=1', '/sign-in?error=x%26&return_to=%2Fteams%2Fa%3Fx%3D1'],
    ['/sign-in', '/sign-in?error=x%26'],
    ['/sign-in/x', '/account?error=x%26'],
    ['/account?linked=google&error=y', '/account?linked=google&error=x%26'],
    ['/teams/a?stepped_up=google#policy', '/teams/a?stepped_up=google&error=x%26#policy'],
    ['https://app.example/x?y=1', '/sign-in?error=x%26&return_to=https%3A%2F%2Fapp.example%2Fx%3Fy%3D1'],
    ['//evil.example', '/account?error=x%26'],
    ['/\\evil.example', '/account?error=x%26'],
    ['/v1/auth/google/start', '/account?error=x%26'],
  ])('of a way to %j is %s', (asked, want) => {
    expect(refusedAt('x&', asked, origin)).toBe(want)
  })
})

describe('addresses of providers', () => {
  it('carry purpose and way back, encoded', () => {
    expect(startUrl('google', '/account?tab=google&x=é')).toBe('/v1/auth/google/start?purpose=sign_in&return_to=%2Faccount%3Ftab%3Dgoogle%26x%3D%C3%A9')
    expect(startUrl('../session', '/')).toContain('/v1/auth/..%2Fsession/start')
  })

  it('lead a sign-in back over the page that can tell a refusal', () => {
    const back = new URL(signInUrl('google', '/teams/a?x=1'), origin).searchParams.get('return_to')
    expect(back).toBe('/sign-in?return_to=%2Fteams%2Fa%3Fx%3D1&done=google')
    expect(new URL(signInUrl('google', 'https://app.example/x'), origin).searchParams.get('return_to')).toBe('https://app.example/x')
  })

  it('name providers that only the configuration knows', () => {
    expect(providerName(t, 'keycloak')).toBe('Keycloak')
    expect(providerName(t, 'constructor')).toBe('Constructor')
    expect(providerName(t, 'siwe')).toBe('Ethereum wallet')
    rememberLabels([{ name: 'keycloak', label: 'Corp SSO' }, { name: 'google', label: 'Evil' }, { name: 'siwe' }])
    expect(['keycloak', 'google', 'siwe'].map((name) => providerName(t, name))).toEqual(['Corp SSO', 'Google', 'Ethereum wallet'])
  })
})

const storage = () => {
  const map = new Map<string, string>()
  return {
    getItem: (key: string) => map.get(key) ?? null,
    setItem: (key: string, value: string) => void map.set(key, value),
    removeItem: (key: string) => void map.delete(key),
  } as unknown as Storage
}

describe('a merge that was begun', () => {
  const merge = { ticket: 'T', session: 's1', survivor: 'u2', choices: { display_name: 'source' as const } }

  it('is there again for its session, with what was chosen', () => {
    const tab = storage()
    expect(keptMerge.get('s1', tab)).toBeUndefined()
    keptMerge.set(merge, tab)
    expect(keptMerge.get('s1', tab)).toEqual(merge)
    keptMerge.set(undefined, tab)
    expect(keptMerge.get('s1', tab)).toBeUndefined()
  })

  it('is gone for good once another session has looked, and when damaged', () => {
    const tab = storage()
    keptMerge.set(merge, tab)
    expect(keptMerge.get('s2', tab)).toBeUndefined()
    expect(keptMerge.get('s1', tab)).toBeUndefined()
    for (const damaged of ['', '{', 'null', '1', '{"session":"s1"}', '{"session":"s1","ticket":"T"}']) {
      tab.setItem('latchkey-merge', damaged)
      expect(keptMerge.get('s1', tab)).toBeUndefined()
    }
  })
})

describe('a link in progress', () => {
  it('remembers where a mail was sent, for as long as its code works', () => {
    const tab = storage()
    const mail = { email: 'a@b.example', purpose: 'sign_in' as const, expires_at: '2030-01-01T00:10:00Z' }
    const at = (time: string) => Date.parse(`2030-01-01T00:${time}Z`)
    keptMail.set(mail, tab)
    expect(keptMail.get('sign_in', tab, at('09:59'))).toBe('a@b.example')
    expect(keptMail.get('sign_in', tab, at('10:00'))).toBeUndefined()
    expect(keptMail.get('link', tab, at('00:00'))).toBeUndefined()
    keptMail.set(undefined, tab)
    expect(keptMail.get('sign_in', tab, at('00:00'))).toBeUndefined()
    for (const damaged of ['null', '7', '{', '{"email":7,"purpose":"sign_in"}']) {
      tab.setItem('latchkey-mail', damaged)
      expect(keptMail.get('sign_in', tab, 0)).toBeUndefined()
    }
  })

  it('is taken once', () => {
    const tab = storage()
    savePending({ intent: 'link:google', leg: 'link' }, tab)
    expect(takePending(tab)).toEqual({ intent: 'link:google', leg: 'link' })
    expect(takePending(tab)).toBeUndefined()
    savePending({ intent: 'status 1', leg: 'step_up', typed: 'stolen' }, tab)
    expect(takePending(tab)).toEqual({ intent: 'status 1', leg: 'step_up', typed: 'stolen' })
    expect(tab.getItem('latchkey-pending')).toBeNull()
  })

  it('is forgotten after a quarter of an hour, and when damaged', () => {
    const tab = storage()
    savePending({ intent: 'link:google', leg: 'link' }, tab, 0)
    expect(takePending(tab, 16 * 60_000)).toBeUndefined()
    for (const damaged of ['', '{', '{}', '{"intent":1,"leg":"link","at":0}', '{"intent":"x","leg":"y","at":0}']) {
      tab.setItem('latchkey-pending', damaged)
      expect(takePending(tab, 0)).toBeUndefined()
    }
  })
})

describe('a fault that the service tells in the address', () => {
  const id = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
  const of = (query: string) => faultIn(new URL(`${origin}/sign-in?${query}`))

  it('brings the request to quote, which then leaves the address', () => {
    expect(of(`error=provider_unavailable&request_id=${id}`)).toEqual({ code: 'provider_unavailable', requestId: id, returnTo: '' })
    expect(readArrival(new URL(`${origin}/sign-in?error=x&request_id=${id}`), () => undefined).rest).toBe('/sign-in?error=x')
  })

  it.each(['error=x', `request_id=${id}`, 'error=x&request_id=call+555-0100', `error=x&request_id=${id}A`])('brings none in %s', (query) => {
    expect(of(query)).toBeUndefined()
  })
})

describe('a return from a provider', () => {
  const read = (query: string, pending?: Pending) => readArrival(new URL(`${origin}/account?${query}`), () => pending)
  const notice = (query: string, pending?: Pending, ways: Identity[] = []) => noticeOf(t, read(query, pending).arrival, ways)
  const linkingGoogle: Pending = { intent: 'link:google', leg: 'link' }

  it('believes a success only of what this tab asked for', () => {
    expect(notice('linked=google', linkingGoogle)?.words.title).toBe('Google added')
    expect(notice('linked=google')).toBeUndefined()
    expect(notice('linked=google', { intent: 'link:github', leg: 'link' })).toBeUndefined()
    expect(notice('linked=google', { intent: 'link:google', leg: 'step_up' })).toBeUndefined()
  })

  it('says so when it was linked before', () => {
    const way = (last_used_at: string, more: Partial<Identity> = {}) => ({ provider: 'google', created_at: '2030-01-01T00:00:00Z', last_used_at, ...more }) as Identity
    const [old, used] = [way('2030-01-01T00:00:00Z'), way('2030-01-02T00:00:00Z')]
    expect(notice('linked=google', linkingGoogle, [old])?.words.title).toBe('Google added')
    expect(notice('linked=google', linkingGoogle, [old, used])?.words.title).toBe('Google was already added')
    expect(notice('linked=google', linkingGoogle, [used, way('2030-01-03T00:00:00Z', { created_at: '2030-01-03T00:00:00Z' })])?.words.title).toBe('Google added')
    expect(notice('linked=google', linkingGoogle, [old, { ...used, provider: 'github' }])?.words.title).toBe('Google added')
  })

  it('goes on with what a step-up was for, and only with what this tab asked for', () => {
    expect(read('stepped_up=github', { intent: 'unlink:1', leg: 'step_up' }).arrival?.intent).toBe('unlink:1')
    expect(read('stepped_up=github', { intent: 'status 1', leg: 'step_up', typed: 'stolen' }).arrival?.typed).toBe('stolen')
    expect(read('stepped_up=github').arrival?.intent).toBeUndefined()
    expect(read('stepped_up=github', linkingGoogle).arrival?.intent).toBeUndefined()
  })

  it('says nothing of a refusal that a step-up resolves, but does if nothing was asked for', () => {
    expect(notice('linked=google&error=reauth_required', linkingGoogle)).toBeUndefined()
    expect(notice('linked=google&error=reauth_required')?.kind).toBe('error')
  })

  it('tells every other refusal in the words for linking, and a merge by its ticket', () => {
    expect(notice('linked=google&error=email_taken')?.words.text).toMatch(/Nothing was changed/)
    expect(notice('linked=google&error=identity_taken&ticket=T')).toBeUndefined()
    expect(read('linked=google&error=identity_taken&ticket=T').arrival?.ticket).toBe('T')
  })

  it('leaves nothing of it in the address, and the rest as it is', () => {
    expect(read('linked=google&error=identity_taken&ticket=T&tab=2').rest).toBe('/account?tab=2')
    expect(read('linked=google').rest).toBe('/account')
  })

  it('leaves other pages and what is pending alone', () => {
    const pending = () => expect.unreachable()
    expect(readArrival(new URL(`${origin}/sign-in?error=invalid_state`), pending)).toEqual({ arrival: undefined, rest: '/sign-in?error=invalid_state' })
  })

  it('takes a ticket out of the address of any page', () => {
    const { arrival, rest } = readArrival(new URL(`${origin}/sign-in?return_to=%2Faccount&error=email_taken&ticket=T`), () => undefined)
    expect([arrival, rest]).toEqual([undefined, '/sign-in?return_to=%2Faccount&error=email_taken'])
  })
})

describe('isRestricted', () => {
  it('is a session that has only a recovery code behind it', () => {
    expect([isRestricted({ methods: ['recovery'] }), isRestricted({ methods: ['recovery', 'siwe'] }), isRestricted({ methods: ['siwe'] })]).toEqual([true, false, false])
  })
})

describe('isFresh', () => {
  it('leaves a margin before the ten minutes are over', () => {
    const authenticated_at = '2030-01-01T00:00:00Z'
    const at = (minutes: number) => isFresh({ authenticated_at }, Date.parse(authenticated_at) + minutes * 60_000)
    expect([at(0), at(8.9), at(9.1), at(60)]).toEqual([true, true, false, false])
  })
})
