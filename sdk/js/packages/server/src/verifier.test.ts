import { exportJWK, generateKeyPair, UnsecuredJWT } from 'jose'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { audience, Issuer } from '../../../test/issuer.js'
import { createVerifier, LatchkeyError, type Verifier } from './index.js'

let issuer: Issuer
let verifier: Verifier
let theirs: Awaited<ReturnType<typeof generateKeyPair>>

const create = (options = {}) => createVerifier({ issuer: issuer.issuer, audience, fetch: issuer.fetch, ...options })
const refusal = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(LatchkeyError)
  return error as LatchkeyError
}
const seconds = (n: number) => Math.floor(Date.now() / 1000) + n

beforeAll(async () => {
  theirs = await generateKeyPair('EdDSA', { extractable: true })
})
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  issuer = await Issuer.create()
  verifier = create()
})
afterEach(() => {
  vi.useRealTimers()
})

test('says who it was, without a request after the first', async () => {
  const team = { team: 'acme', role: 'admin', scope: 'read write', app: { plan: 'pro' } }
  for (let i = 0; i < 20; i++) {
    expect(await verifier.verify(await issuer.sign({ claims: team }))).toEqual({
      type: 'user',
      id: 'user',
      session: 'session',
      client: 'web',
      team: 'acme',
      role: 'admin',
      scopes: ['read', 'write'],
      methods: ['google'],
      authenticatedAt: new Date(seconds(-60) * 1000),
      expiresAt: new Date(seconds(300) * 1000),
      app: { plan: 'pro' },
    })
  }
  expect(issuer.fetched).toBe(1)
})

test('reads a request, its headers, or the header, with the scheme in any case', async () => {
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
    const authorization = `${scheme} ${await issuer.sign()}`
    for (const from of [authorization, new Headers({ authorization }), new Request('https://api.example.com', { headers: { authorization } })]) {
      expect(await verifier.authenticate(from)).toMatchObject({ type: 'user', id: 'user' })
    }
  }
})

test('takes ES256', async () => {
  const key = await generateKeyPair('ES256', { extractable: true })
  issuer.published?.push({ kid: 'two', key, alg: 'ES256' })
  expect(await verifier.verify(await issuer.sign({ header: { alg: 'ES256', kid: 'two' }, key: key.privateKey }))).toMatchObject({ id: 'user' })
})

test('a machine is no user', async () => {
  expect(await verifier.verify(await issuer.machine())).toEqual({
    type: 'machine',
    id: 'key',
    client: 'key',
    team: 'acme',
    role: 'member',
    scopes: [],
    expiresAt: expect.any(Date),
  })
})

describe('refuses', () => {
  const cases: Record<string, () => Promise<string> | string | undefined> = {
    nothing: () => undefined,
    'an empty header': () => '',
    'another scheme': async () => `Basic ${await issuer.sign()}`,
    'no token': () => 'Bearer ',
    'no JWT': () => 'Bearer abc',
    'two tokens': async () => `Bearer ${await issuer.sign()} ${await issuer.sign()}`,
    'alg none': () =>
      `Bearer ${new UnsecuredJWT({ sub: 'user', sid: 's', client_id: 'web' }).setIssuedAt().setIssuer(issuer.issuer).setAudience(audience).setExpirationTime('1h').encode()}`,
    'HS256 by the public key': async () =>
      `Bearer ${await issuer.sign({ header: { alg: 'HS256' }, key: new TextEncoder().encode(JSON.stringify(await exportJWK(issuer.key.publicKey))) })}`,
    'a key of its own': async () => `Bearer ${await issuer.sign({ key: theirs.privateKey })}`,
    'a jwk of its own': async () => `Bearer ${await issuer.sign({ header: { jwk: await exportJWK(theirs.publicKey) }, key: theirs.privateKey })}`,
    'an ID token': async () => `Bearer ${await issuer.sign({ header: { typ: 'JWT' } })}`,
    'a logout token': async () => `Bearer ${await issuer.sign({ header: { typ: 'logout+jwt' } })}`,
    'another issuer': async () => `Bearer ${await issuer.sign({ claims: { iss: 'https://evil.example' } })}`,
    'another audience': async () => `Bearer ${await issuer.sign({ claims: { aud: ['https://other.example.com'] } })}`,
    'no audience': async () => `Bearer ${await issuer.sign({ claims: { aud: undefined } })}`,
    'an expired one': async () => `Bearer ${await issuer.sign({ claims: { exp: seconds(-6) } })}`,
    'one that is not valid yet': async () => `Bearer ${await issuer.sign({ claims: { nbf: seconds(7) } })}`,
    'one that never expires': async () => `Bearer ${await issuer.sign({ claims: { exp: undefined } })}`,
    'one without a subject': async () => `Bearer ${await issuer.sign({ claims: { sub: undefined } })}`,
    'one without a client': async () => `Bearer ${await issuer.sign({ claims: { client_id: undefined } })}`,
    'a user without a session': async () => `Bearer ${await issuer.sign({ claims: { sid: undefined } })}`,
    'a session that is no text': async () => `Bearer ${await issuer.sign({ claims: { sid: 7, sub: 'web' } })}`,
    'a critical extension': async () => `Bearer ${await issuer.sign({ header: { crit: ['unknown'], unknown: 1 } })}`,
    'a changed payload': async () => {
      const [head, , signature] = (await issuer.sign()).split('.')
      return `Bearer ${head}.${Buffer.from(JSON.stringify({ iss: issuer.issuer, sub: 'admin' })).toString('base64url')}.${signature}`
    },
    'a megabyte': () => `Bearer ${'a'.repeat(1 << 20)}`,
  }
  for (const [name, make] of Object.entries(cases)) {
    test(name, async () => {
      expect(await refusal(verifier.authenticate(await make()))).toMatchObject({ code: 'unauthenticated', status: 401 })
    })
  }
})

test('a role that there is not, or without a team, is none', async () => {
  for (const claims of [{ team: 'acme', role: 'root' }, { role: 'owner' }, { team: '', role: 'owner' }, { team: ['acme'], role: 'owner' }]) {
    expect(await verifier.verify(await issuer.sign({ claims }))).not.toHaveProperty('role')
  }
})

test('clocks may be 5 seconds apart', async () => {
  const token = await issuer.sign({ claims: { exp: seconds(0), nbf: seconds(0) } })
  vi.setSystemTime(Date.now() + 4000)
  expect(await verifier.verify(token)).toMatchObject({ id: 'user' })
  vi.setSystemTime(Date.now() - 8000)
  expect(await verifier.verify(token)).toMatchObject({ id: 'user' })
  vi.setSystemTime(Date.now() - 3000)
  expect((await refusal(verifier.verify(token))).status).toBe(401)
})

describe('the keys', () => {
  test('any number of forged kids costs one request in 30 seconds', async () => {
    await verifier.verify(await issuer.sign())
    const flood = async () => {
      const tokens = await Promise.all(Array.from({ length: 50 }, (_, i) => issuer.sign({ header: { kid: `forged-${i}` } })))
      for (const error of await Promise.all(tokens.map((token) => refusal(verifier.verify(token))))) expect(error.status).toBe(401)
    }
    await flood()
    expect(issuer.fetched).toBe(1)
    vi.setSystemTime(Date.now() + 30_000)
    await flood()
    await flood()
    expect(issuer.fetched).toBe(2)
  })

  test('callers at once share the first request', async () => {
    const release = issuer.hold()
    const token = await issuer.sign()
    const all = Promise.all(Array.from({ length: 50 }, () => verifier.verify(token)))
    release()
    await all
    expect(issuer.fetched).toBe(1)
  })

  test('a new key is found', async () => {
    await verifier.verify(await issuer.sign())
    const next = await generateKeyPair('EdDSA', { extractable: true })
    issuer.published?.push({ kid: 'next', key: next, alg: 'EdDSA' })
    vi.setSystemTime(Date.now() + 31_000)
    expect(await verifier.verify(await issuer.sign({ header: { kid: 'next' }, key: next.privateKey }))).toMatchObject({ id: 'user' })
    expect(issuer.fetched).toBe(2)
  })

  test('a removed key counts no longer once they were fetched', async () => {
    await verifier.verify(await issuer.sign())
    issuer.published = [{ kid: 'next', key: theirs, alg: 'EdDSA' }]
    vi.setSystemTime(Date.now() + 61_000)
    await verifier.verify(await issuer.sign()) // fetched beside this one
    await vi.waitFor(async () => expect((await refusal(verifier.verify(await issuer.sign()))).status).toBe(401))
    expect(issuer.fetched).toBe(2)
  })

  test('that cannot be fetched are 503, and never a person', async () => {
    const token = await issuer.sign()
    for (const broken of [
      () => Promise.reject(new TypeError('fetch failed')),
      async () => new Response('<h1>500</h1>', { status: 500 }),
      async () => new Response(null, { status: 302, headers: { location: 'https://evil.example' } }),
      async () => new Response('<h1>a proxy</h1>'),
      async () => Response.json({}),
      async () => Response.json({ keys: [] }),
      async () => Response.json(null),
    ]) {
      const error = await refusal(create({ fetch: broken }).verify(token))
      expect(error).toMatchObject({ code: 'unavailable', status: 503 })
      expect(error.cause).toBeInstanceOf(Error)
    }
  })

  test('an outage of less than 5 minutes goes unnoticed, and costs a request in 30 seconds', async () => {
    await verifier.verify(await issuer.sign())
    issuer.published = undefined
    for (let passed = 0; passed < 290; passed += 10) {
      expect(await verifier.verify(await issuer.sign())).toMatchObject({ id: 'user' })
      vi.setSystemTime(Date.now() + 10_000)
    }
    expect(issuer.fetched).toBeLessThan(12)
    // Whether there is such a key is not known now.
    expect((await refusal(verifier.verify(await issuer.sign({ header: { kid: 'next' } })))).status).toBe(503)
    vi.setSystemTime(Date.now() + 10_000)
    expect((await refusal(verifier.verify(await issuer.sign()))).status).toBe(503)
  })

  test('one attempt a second while they cannot be fetched, and at once when they can', async () => {
    issuer.published = undefined
    const token = await issuer.sign()
    for (let i = 0; i < 50; i++) expect((await refusal(verifier.verify(token))).status).toBe(503)
    expect(issuer.fetched).toBe(1)
    issuer.published = [{ kid: 'one', key: issuer.key, alg: 'EdDSA' }]
    vi.setSystemTime(Date.now() + 1000)
    expect(await verifier.verify(await issuer.sign())).toMatchObject({ id: 'user' })
  })
})

test('a service that never answers is 503', async () => {
  const token = await issuer.sign()
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout'] })
  let ask = () => {}
  const asked = new Promise<void>((resolve) => {
    ask = resolve
  })
  const error = refusal(
    create({
      fetch: ({ signal }: Request) => {
        ask()
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    }).verify(token),
  )
  await asked
  vi.advanceTimersByTime(5000)
  expect((await error).status).toBe(503)
})

test('refuses to be made without an issuer or an audience', () => {
  expect(() => createVerifier({ issuer: 'auth.example.com', audience })).toThrow(TypeError)
  for (const none of ['', [], ['']]) expect(() => createVerifier({ issuer: issuer.issuer, audience: none })).toThrow(TypeError)
})
