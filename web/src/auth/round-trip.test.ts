import { describe, expect, it } from 'vitest'
import { savePending, takePending } from './pending'
import { providerName, signInUrl, startUrl } from './providers'
import { safePath } from './return-to'
import { readReturn } from './returned'
import { isFresh } from './step-up'

const origin = 'http://localhost:8080'

describe('safePath', () => {
  it.each(['/', '/account', '/teams/0193?x=1#members', '/admin'])('keeps %s', (path) => {
    expect(safePath(path, origin)).toBe(path)
  })

  it.each([
    null, '', 'account', 'https://evil.example', '//evil.example', '/\\evil.example', '/\t/evil.example', '/ /evil.example', '/\u0000/evil',
    '/x/..//evil.example', 'javascript:alert(1)', '/v1/auth/google/start', '/v1', '/sign-in', '/sign-in?return_to=/sign-in', '/a/../v1/session',
  ])('does not go to %j', (path) => {
    expect(safePath(path, origin)).toBe('/account')
  })
})

describe('addresses of providers', () => {
  it('carry purpose and way back, encoded', () => {
    expect(startUrl('google', 'link', '/account?linked=google&x=é')).toBe(
      '/v1/auth/google/start?purpose=link&return_to=%2Faccount%3Flinked%3Dgoogle%26x%3D%C3%A9',
    )
    expect(startUrl('../session', 'link', '/')).toContain('/v1/auth/..%2Fsession/start')
  })

  it('lead a sign-in back over the page that can tell a refusal', () => {
    const back = new URL(signInUrl('google', '/teams/a?x=1'), origin).searchParams.get('return_to')
    expect(back).toBe('/sign-in?return_to=%2Fteams%2Fa%3Fx%3D1&done=1')
    expect(new URL(signInUrl('google', 'https://app.example/x'), origin).searchParams.get('return_to')).toBe('https://app.example/x')
  })

  it('name providers that only the configuration knows', () => {
    expect(providerName('keycloak')).toBe('Keycloak')
    expect(providerName('constructor')).toBe('Constructor')
    expect(providerName('siwe')).toBe('Ethereum wallet')
  })
})

describe('a link in progress', () => {
  const storage = () => {
    const map = new Map<string, string>()
    return {
      getItem: (key: string) => map.get(key) ?? null,
      setItem: (key: string, value: string) => void map.set(key, value),
      removeItem: (key: string) => void map.delete(key),
    } as unknown as Storage
  }

  it('is taken once', () => {
    const tab = storage()
    savePending({ provider: 'google', leg: 'link' }, tab)
    expect(takePending(tab)).toEqual({ provider: 'google', leg: 'link' })
    expect(takePending(tab)).toBeUndefined()
  })

  it('is forgotten after a quarter of an hour, and when damaged', () => {
    const tab = storage()
    savePending({ provider: 'google', leg: 'link' }, tab, 0)
    expect(takePending(tab, 16 * 60_000)).toBeUndefined()
    for (const damaged of ['', '{', '{}', '{"provider":1,"leg":"link","at":0}', '{"provider":"x","leg":"y","at":0}']) {
      tab.setItem('latchkey-pending-link', damaged)
      expect(takePending(tab, 0)).toBeUndefined()
    }
  })
})

describe('readReturn', () => {
  const read = (query: string, pending?: Parameters<typeof readReturn>[1]) => readReturn(new URLSearchParams(query), pending, providerName)

  it('believes a success only of what this tab asked for', () => {
    expect(read('linked=google', { provider: 'google', leg: 'link' }).notice?.words.title).toBe('Google is linked')
    expect(read('linked=google')).toEqual({})
    expect(read('linked=google', { provider: 'github', leg: 'link' })).toEqual({})
  })

  it('goes on linking after a step-up that this tab asked for, and only then', () => {
    expect(read('stepped_up=github', { provider: 'google', leg: 'step_up' })).toEqual({ goOnWith: 'google' })
    expect(read('stepped_up=github')).toEqual({})
    expect(read('stepped_up=github&error=access_denied', { provider: 'google', leg: 'step_up' }).goOnWith).toBeUndefined()
  })

  it('asks for a step-up when the link was refused for want of one', () => {
    expect(read('linked=google&error=reauth_required', { provider: 'google', leg: 'link' })).toEqual({ stepUpFor: 'google' })
    expect(read('error=reauth_required').notice?.kind).toBe('error')
  })

  it('tells every other refusal in the words for linking', () => {
    expect(read('linked=google&error=email_taken&ticket=T').notice?.words.text).toMatch(/Nothing was changed/)
  })
})

describe('isFresh', () => {
  it('leaves a margin before the ten minutes are over', () => {
    const authenticated_at = '2030-01-01T00:00:00Z'
    const at = (minutes: number) => isFresh({ authenticated_at }, Date.parse(authenticated_at) + minutes * 60_000)
    expect([at(0), at(8.9), at(9.1), at(60)]).toEqual([true, true, false, false])
  })
})
