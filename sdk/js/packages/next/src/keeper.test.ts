import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { clientId, clientSecret, issuer, Latchkey } from '../../../test/latchkey.js'
import { type Config, readOptions } from './config.js'
import { Keeper, type Standing } from './keeper.js'
import { Remote } from './remote.js'
import { type RevocationStore, Revocations } from './revocations.js'
import { claimsOf, type Stored, sessionOf } from './session.js'

const person = { sub: 'ada', claims: { name: 'Ada' } }
let latchkey: Latchkey

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
  latchkey = new Latchkey()
})
afterEach(() => {
  vi.useRealTimers()
})

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000)

function config(): Config {
  return readOptions({ issuer, clientId, clientSecret, secret: 'x'.repeat(32), fetch: latchkey.fetch, timeout: 50 }, {})
}

// A server of the application, which shares nothing with others.
function server(store?: RevocationStore): Keeper {
  return new Keeper(new Remote(config()), new Revocations(store))
}

async function signIn(keeper: Keeper, team?: string): Promise<Stored> {
  const query = new URLSearchParams({
    redirect_uri: 'https://app.example.com/cb',
    state: 's',
    code_challenge: 'jBCO_5i2QqURe9MiYYR_YAIB5h0cC7uP3Z3G2B_HcZo',
    ...(team && { team }),
  })
  // The S256 of the verifier below.
  const verifier = 'v'.repeat(43)
  query.set('code_challenge', Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(verifier))).toString('base64url'))
  const back = new URL(latchkey.authorize(`${issuer}/oauth2/authorize?${query}`, person))
  const grant = await new Remote(config()).exchange(back.searchParams.get('code')!, 'https://app.example.com/cb', verifier)
  const standing = await keeper.begin(grant)
  if (standing.state !== 'active') throw new Error(standing.state)
  latchkey.requests.length = 0
  return standing.stored
}

function stored(standing: Standing): Stored {
  if (standing.state !== 'active') throw new Error(standing.state)
  return standing.stored
}

test('a session costs a request a minute at most, however many pages ask', async () => {
  const keeper = server()
  let cookie = await signIn(keeper)
  const asked: number[] = []
  for (let second = 0; second < 900; second += 5) {
    const before = latchkey.requests.length
    const answers = await Promise.all(Array.from({ length: 10 }, () => keeper.standing(cookie)))
    for (const path of latchkey.requests.slice(before)) if (!path.endsWith('jwks.json')) asked.push(second)
    cookie = stored(answers[3]!)
    pass(5)
  }
  expect(asked.length).toBeGreaterThan(10)
  for (const [i, at] of asked.entries()) expect(at - (asked[i - 1] ?? -60), `at ${asked}`).toBeGreaterThanOrEqual(60)
})

test('pages that never write the cookie ask no more', async () => {
  const keeper = server()
  const cookie = await signIn(keeper)
  for (let second = 0; second < 1200; second += 20) {
    expect((await keeper.standing(cookie)).state).toBe('active')
    pass(20)
  }
  expect(latchkey.count('/oauth2/introspect') + latchkey.count('/oauth2/token')).toBeLessThanOrEqual(20)
  expect(latchkey.newest).toMatchObject({ ended: false, generation: 2 })
})

test('ten tabs and two servers do not end a session, for a day, with answers lost and late', async () => {
  const servers = [server(), server()]
  let seed = 7
  const random = () => {
    seed = (seed * 48271) % 2147483647
    return seed / 2147483647
  }
  latchkey.delay = async () => {
    for (let i = random() * 20; i > 0; i--) await undefined
  }
  let cookie = await signIn(servers[0]!)
  const late: Stored[] = []
  for (let round = 0; round < 100; round++) {
    const tabs = Array.from({ length: 10 }, (_, tab) => {
      const one = servers[tab % 2]!
      return random() < 0.1 ? one.renew(cookie) : one.standing(cookie)
    })
    const answers = (await Promise.all(tabs)).map(stored)
    // One answer after another arrives, and is written over the one before; some never do.
    for (const answer of [...late.splice(0), ...answers.sort(() => random() - 0.5)]) if (random() < 0.7) cookie = answer
    if (random() < 0.3) late.push(answers[0]!)
    pass(Math.floor(random() * 240))
  }
  expect(latchkey.newest.ended).toBe(false)
  expect(latchkey.newest.generation).toBeGreaterThan(20)
})

test('new claims do not use up refresh tokens', async () => {
  const keeper = server()
  let cookie = await signIn(keeper)
  for (let i = 0; i < 20; i++) {
    latchkey.newest.person = { sub: 'ada', claims: { name: `Ada ${i}` } }
    const answers = await Promise.all([keeper.renew(cookie), server().renew(cookie), keeper.renew(cookie)])
    cookie = stored(answers[2]!)
    expect(sessionOf(cookie, 0).user.name).toBe(`Ada ${i}`)
  }
  expect(latchkey.newest.generation).toBe(2)
})

test('who asks for new claims gets those of now, not of a renewal that was under way', async () => {
  const keeper = server()
  const cookie = await signIn(keeper)
  let go = () => {}
  latchkey.delay = () => new Promise((resolve) => (go = resolve))
  const first = keeper.renew(cookie)
  await vi.waitFor(() => expect(latchkey.count('/oauth2/token')).toBe(1))
  const second = keeper.renew(cookie)
  latchkey.newest.person = { sub: 'ada', claims: { name: 'New' } }
  go()
  await vi.waitFor(() => expect(latchkey.count('/oauth2/token')).toBe(2))
  go()
  expect(sessionOf(stored(await second), 0).user.name).toBe('New')
  await first
})

describe('a session that ended in Latchkey', () => {
  test('ends here within a minute', async () => {
    const keeper = server()
    const cookie = await signIn(keeper)
    latchkey.newest.ended = true
    pass(59)
    expect((await keeper.standing(cookie)).state).toBe('active')
    pass(1)
    expect(await keeper.standing(cookie)).toEqual({ state: 'ended' })
    const { length } = latchkey.requests
    expect(await keeper.standing(cookie)).toEqual({ state: 'ended' })
    expect(latchkey.requests.length).toBe(length)
  })

  test('ends everywhere at once with a store of revocations, and nothing is asked', async () => {
    const kept = new Map<string, number>()
    const store: RevocationStore = { set: async (key, at) => kept.set(key, at), get: async (key) => kept.get(key) }
    const [one, two] = [server(store), server(store)]
    const cookie = await signIn(one)
    pass(200)
    expect((await two.standing(cookie)).state).toBe('active')
    expect(latchkey.requests).toEqual([])
    await new Revocations(store).end({ sid: latchkey.sid, at: 0 })
    expect(await one.standing(cookie)).toEqual({ state: 'ended' })
    expect(await two.standing(cookie)).toEqual({ state: 'ended' })
  })

  test('ends with all of the user, but not one that began later', async () => {
    const kept = new Map<string, number>()
    const store: RevocationStore = { set: async (key, at) => kept.set(key, at), get: async (key) => kept.get(key) }
    const keeper = server(store)
    const before = await signIn(keeper)
    await new Revocations(store).end({ sub: 'ada', at: Math.floor(Date.now() / 1000) })
    pass(1)
    const later = await signIn(keeper)
    expect((await keeper.standing(before)).state).toBe('ended')
    expect((await keeper.standing(later)).state).toBe('active')
  })
})

test('a store of revocations that does not answer lets no one in', async () => {
  const store: RevocationStore = { set: async () => undefined, get: () => Promise.reject(new Error('no redis')) }
  const cookie = await signIn(server())
  expect((await server(store).standing(cookie)).state).toBe('unavailable')
})

test('what changed in Latchkey is known within a minute', async () => {
  const keeper = server()
  const cookie = await signIn(keeper, 'acme')
  expect(sessionOf(cookie, 0).team).toEqual({ id: 'acme', role: 'member' })
  latchkey.newest.team = { team: 'acme', role: 'admin' }
  pass(60)
  const answers = await Promise.all([keeper.standing(cookie), keeper.standing(cookie)])
  for (const answer of answers) expect(sessionOf(stored(answer), 0).team?.role).toBe('admin')
  expect(sessionOf(stored(await keeper.standing(cookie)), 0).team?.role).toBe('admin')
})

test('a policy that refuses the session ends nothing', async () => {
  const keeper = server()
  const cookie = await signIn(keeper, 'acme')
  latchkey.newest.refused = true
  pass(60)
  expect(await keeper.standing(cookie)).toMatchObject({ state: 'refused', error: { code: 'policy_unsatisfied', status: 403 } })
  latchkey.newest.refused = false
  expect((await keeper.standing(cookie)).state).toBe('active')
})

describe.each(['away', 'slow', 'broken'] as const)('while Latchkey is %s', (mood) => {
  test('no one is signed in by what is not known, and no session ends', async () => {
    const keeper = server()
    const cookie = await signIn(keeper)
    latchkey.mood = mood
    pass(60)
    expect(await keeper.standing(cookie)).toMatchObject({ state: 'unavailable', error: { status: 503 } })
    expect((await keeper.renew(cookie)).state).toBe('unavailable')
    pass(300)
    expect((await keeper.standing(cookie)).state).toBe('unavailable')
    latchkey.mood = 'up'
    pass(5)
    expect((await keeper.standing(cookie)).state).toBe('active')
  })

  test('pages do not wait for it one after another', async () => {
    const keeper = server()
    const cookie = await signIn(keeper)
    pass(60)
    latchkey.mood = mood
    await keeper.standing(cookie)
    const { length } = latchkey.requests
    await Promise.all(Array.from({ length: 20 }, () => keeper.standing(cookie)))
    expect(latchkey.requests.length).toBe(length)
  })

  test('what it said in the last minute counts', async () => {
    const keeper = server()
    let cookie = await signIn(keeper)
    pass(250)
    cookie = stored(await keeper.standing(cookie))
    latchkey.mood = mood
    pass(30) // the access token ends in 20 s
    expect((await keeper.standing(cookie)).state).toBe('active')
    pass(31)
    expect((await keeper.standing(cookie)).state).toBe('unavailable')
  })
})

describe('what one person ran into', () => {
  const limited = () => new Response('slow down', { status: 429, headers: { 'retry-after': '20' } })
  const broken = () => new Response('oops', { status: 500 })

  test.each([
    ['a limit', limited, 20],
    ['a fault', broken, 3],
  ])('%s, is no outage for others, and is not asked for again at once', async (_, instead, seconds) => {
    const keeper = server()
    const [ada, adas] = [await signIn(keeper), latchkey.sid]
    const bob = await signIn(keeper)
    latchkey.instead = (sid) => (sid === adas ? instead() : undefined)
    pass(60)
    for (let i = 0; i < 3; i++) {
      expect((await keeper.standing(ada)).state).toBe('unavailable')
      expect((await keeper.standing(bob)).state).toBe('active')
    }
    expect(latchkey.count('/oauth2/introspect')).toBe(2)
    latchkey.instead = () => undefined
    pass(seconds - 1)
    expect((await keeper.standing(ada)).state).toBe('unavailable')
    pass(1)
    expect((await keeper.standing(ada)).state).toBe('active')
  })

  test('stops calls of its kind alone', async () => {
    const keeper = server()
    const cookie = await signIn(keeper)
    latchkey.instead = (_, path) => (path === '/oauth2/introspect' ? broken() : undefined)
    pass(60)
    expect((await keeper.standing(cookie)).state).toBe('unavailable')
    expect((await keeper.renew(cookie)).state).toBe('active')
  })
})

test('an outage is one after two people ran into it, and is over with the first answer', async () => {
  const keeper = server()
  const cookies = [await signIn(keeper), await signIn(keeper), await signIn(keeper), await signIn(keeper)] as const
  pass(60)
  latchkey.requests.length = 0
  latchkey.mood = 'away'
  for (const cookie of cookies) expect((await keeper.standing(cookie)).state).toBe('unavailable')
  expect(latchkey.count('/oauth2/introspect')).toBe(2)
  latchkey.mood = 'up'
  pass(3)
  for (const cookie of cookies) expect((await keeper.standing(cookie)).state).toBe('active')
})

test('a client that Latchkey does not know signs no one out', async () => {
  const keeper = new Keeper(new Remote({ ...config(), clientSecret: 'another' }), new Revocations(undefined))
  const cookie = await signIn(server())
  const log = vi.spyOn(console, 'error').mockReturnValue()
  pass(60)
  expect((await keeper.standing(cookie)).state).toBe('unavailable')
  expect(log).toHaveBeenCalledWith(expect.stringContaining('does not know this clientId'))
})

test('keys that are published no longer count no longer, as in @latchkey/server', async () => {
  const keeper = server()
  const remote = new Remote(config())
  let cookie = await signIn(keeper)
  const { id } = cookie
  await remote.verifyIDToken(id)
  const published = latchkey.published
  latchkey.published = [{ ...published[0], kid: 'two' }]
  pass(61)
  await remote.verifyIDToken(id) // the keys are fetched beside this one
  await vi.waitFor(() => expect(remote.verifyIDToken(id)).rejects.toMatchObject({ code: 'invalid_answer' }))
  // While they cannot be fetched, those at hand count for five minutes.
  latchkey.published = published
  pass(61)
  const other = new Remote(config())
  cookie = stored(await keeper.renew(cookie))
  await other.verifyIDToken(cookie.id)
  latchkey.mood = 'away'
  pass(200)
  await other.verifyIDToken(cookie.id)
  pass(100)
  await expect(other.verifyIDToken(cookie.id)).rejects.toMatchObject({ code: 'unavailable' })
})

test('a renewal by tokens of others changes nothing', async () => {
  const cookie = await signIn(server())
  pass(290)
  latchkey.strange = true
  expect((await server().standing(cookie)).state).toBe('unavailable')
  latchkey.strange = false
  latchkey.tamper = (claims) => ({ ...claims, sid: 'another' })
  expect((await server().standing(cookie)).state).toBe('unavailable')
  latchkey.tamper = (claims) => claims
  expect((await server().standing(cookie)).state).toBe('active')
})

test('a merged account goes on under its new id', async () => {
  const keeper = server()
  let cookie = await signIn(keeper)
  latchkey.newest.person = { sub: 'survivor', claims: { former_subs: ['ada'] } }
  pass(60)
  cookie = stored(await keeper.standing(cookie))
  expect(claimsOf(cookie).sub).toBe('survivor')
  expect(sessionOf(cookie, 0).user.formerIds).toEqual(['ada'])
})
