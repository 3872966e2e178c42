import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createNote, requireUser } from './express.mjs'
import { notes } from './next.mjs'
import { verifier } from './verify.mjs'

const audience = 'https://api.example.com'
let server,
  issuer,
  ours,
  theirs,
  kid = 'one'
let fetched = 0

beforeAll(async () => {
  ours = await generateKeyPair('EdDSA', { extractable: true })
  theirs = await generateKeyPair('EdDSA', { extractable: true })
  const jwk = await exportJWK(ours.publicKey)
  server = createServer((_, res) => {
    fetched++
    res.setHeader('Content-Type', 'application/json')
    res.end(JSON.stringify({ keys: [{ ...jwk, kid, alg: 'EdDSA', use: 'sig' }] }))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${server.address().port}`
})
afterAll(() => new Promise((resolve) => server.close(resolve)))

// sign makes a token as Latchkey does, but for what is changed.
function sign({ header = {}, claims = {}, key = ours.privateKey } = {}) {
  const now = Math.floor(Date.now() / 1000)
  const payload = { iss: issuer, aud: [audience], sub: 'user', sid: 'session', iat: now, exp: now + 300, team: 'team', role: 'admin', ...claims }
  return new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid, ...header }).sign(key)
}

const bearer = async (options) => `Bearer ${await sign(options)}`

test('tells who it was', async () => {
  const userOf = verifier({ issuer, audience })
  expect(await userOf(await bearer())).toEqual({ id: 'user', session: 'session', team: 'team', role: 'admin' })
  const before = fetched
  await userOf(await bearer())
  expect(fetched).toBe(before) // without asking again
})

describe('refuses', () => {
  const past = Math.floor(Date.now() / 1000) - 10
  for (const [name, make] of Object.entries({
    nothing: () => undefined,
    'another scheme': async () => `Basic ${await sign()}`,
    'no token': () => 'Bearer ',
    'no JWT': () => 'Bearer abc',
    'alg none': () => `Bearer ${new UnsecuredJWT({ sub: 'user', sid: 's' }).setIssuer(issuer).setAudience(audience).setExpirationTime('1h').encode()}`,
    'HS256 by the public key': async () => bearer({ header: { alg: 'HS256' }, key: new TextEncoder().encode(JSON.stringify(await exportJWK(ours.publicKey))) }),
    'a key of its own': () => bearer({ key: theirs.privateKey }),
    'a jwk of its own': async () => bearer({ header: { jwk: await exportJWK(theirs.publicKey) }, key: theirs.privateKey }),
    'an ID token': () => bearer({ header: { typ: 'JWT' } }),
    'another issuer': () => bearer({ claims: { iss: 'https://evil.example' } }),
    'another audience': () => bearer({ claims: { aud: ['https://other.example.com'] } }),
    'an expired one': () => bearer({ claims: { exp: past } }),
    'one that never expires': () => bearer({ claims: { exp: undefined } }),
    'one without a subject': () => bearer({ claims: { sub: undefined } }),
  })) {
    test(name, async () => {
      await expect(verifier({ issuer, audience })(await make())).rejects.toThrow()
    })
  }
})

test('Express: the author is who signed in, whatever the body says', async () => {
  const middleware = requireUser({ issuer, audience })
  const call = async (authorization) => {
    const out = {
      headers: {},
      statusCode: 200,
      body: '',
      setHeader(name, value) {
        this.headers[name] = value
      },
      end(body) {
        this.body = body ?? ''
      },
    }
    const req = { headers: { authorization }, body: { text: 'hello', author: 'mallory', user_id: 'mallory' }, user: { id: 'mallory' } }
    await middleware(req, out, () => createNote(req, out))
    return out
  }
  expect(JSON.parse((await call(await bearer())).body)).toEqual({ author: 'user', text: 'hello' })
  expect(await call('Bearer x')).toMatchObject({ statusCode: 401, body: '' })
})

test('Next.js: the author is who signed in, whatever the body says', async () => {
  const POST = notes({ issuer, audience })
  const call = (authorization) =>
    POST(new Request('http://app.example/api/notes', { method: 'POST', headers: { authorization }, body: JSON.stringify({ text: 'hello', author: 'mallory' }) }))
  expect(await (await call(await bearer())).json()).toEqual({ author: 'user', text: 'hello' })
  expect((await call('Bearer x')).status).toBe(401)
})

test('the documentation shows what is tested here', async () => {
  const page = await readFile(new URL('../../docs/backends.md', import.meta.url), 'utf8')
  for (const file of ['verify.mjs', 'express.mjs', 'next.mjs']) {
    expect(page).toContain(await readFile(new URL(file, import.meta.url), 'utf8'))
  }
})
