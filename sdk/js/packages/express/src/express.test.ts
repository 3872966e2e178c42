import { createHmac } from 'node:crypto'
import { request } from 'node:http'
import { createIntrospector } from '@latchkey/server'
import express from 'express'
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, test } from 'vitest'
import { audience, Issuer, type Listening, listen } from '../../../test/issuer.js'
import { LatchkeyError, latchkey, requireRole, requireUser, type User, webhook } from './index.js'

let issuer: Issuer
let server: Listening

beforeAll(async () => {
  issuer = await Issuer.create()
  const app = express()
  app.use(express.json())
  app.use(latchkey({ issuer: issuer.issuer, audience, fetch: (request) => issuer.fetch(request), resourceMetadata: 'https://api.example.com/meta' }))
  app.get('/', (req, res) => res.json({ user: req.user?.id ?? null, machine: req.machine?.id ?? null }))
  app.post('/notes', requireUser(), (req, res) => {
    expectTypeOf(req.user).toEqualTypeOf<Express.User | undefined>()
    expectTypeOf<Express.User>().toExtend<User>()
    res.json({ author: req.user?.id, text: req.body.text })
  })
  app.get('/teams/:team', requireRole('admin', { team: (req) => req.params['team'] as string }), (req, res) => res.json(req.user?.team))
  app.get('/lost', requireRole('member', { team: () => undefined }), (_, res) => res.json('open'))
  app.get('/machines', requireRole('member', { machines: true }), (req, res) => res.json({ machine: req.machine?.id }))
  app.get('/thrown', () => {
    throw new LatchkeyError('no', { code: 'forbidden', status: 403 })
  })
  server = await listen(app)
})
afterAll(() => server.close())
beforeEach(() => {
  issuer.published = [{ kid: 'one', key: issuer.key, alg: 'EdDSA' }]
})

async function call(path: string, token?: string, init: RequestInit = {}) {
  const answer = await fetch(server.url + path, { ...init, headers: { 'content-type': 'application/json', ...(token ? { authorization: `bearer ${token}` } : {}) } })
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, body: text.startsWith('{') || text.startsWith('"') ? JSON.parse(text) : text }
}

test('public pages work', async () => {
  expect((await call('/')).body).toEqual({ user: null, machine: null })
  expect((await call('/', 'forged')).body).toEqual({ user: null, machine: null })
  expect((await call('/', await issuer.sign())).body).toEqual({ user: 'user', machine: null })
  expect((await call('/', await issuer.machine())).body).toEqual({ user: null, machine: 'key' })
})

test('the author is who signed in, whatever the body says', async () => {
  const note = { method: 'POST', body: JSON.stringify({ text: 'hello', author: 'mallory', user_id: 'mallory' }) }
  expect((await call('/notes', await issuer.sign(), note)).body).toEqual({ author: 'user', text: 'hello' })
})

test('without a user it is 401 with WWW-Authenticate, and for a machine 403', async () => {
  const nobody = await call('/notes', undefined, { method: 'POST' })
  expect([nobody.status, nobody.headers.get('www-authenticate'), nobody.body.code]).toEqual([401, 'Bearer resource_metadata="https://api.example.com/meta"', 'unauthenticated'])
  const forged = await call('/notes', 'forged', { method: 'POST' })
  expect([forged.status, forged.headers.get('www-authenticate')]).toEqual([401, 'Bearer error="invalid_token", resource_metadata="https://api.example.com/meta"'])
  expect((await call('/notes', await issuer.machine(), { method: 'POST' })).status).toBe(403)
})

describe('a role', () => {
  const token = (role: string, team = 'acme') => issuer.sign({ claims: { team, role } })

  test('counts in its team', async () => {
    expect((await call('/teams/acme', await token('owner'))).body).toBe('acme')
    expect((await call('/teams/acme', await token('admin'))).status).toBe(200)
    for (const other of [await token('member'), await token('owner', 'other'), await issuer.sign(), await issuer.machine({ role: 'admin' })]) {
      expect((await call('/teams/acme', other)).status).toBe(403)
    }
    expect((await call('/teams/acme')).status).toBe(401)
    expect((await call('/lost', await token('owner'))).status).toBe(403)
  })

  test('of a machine counts where machines are allowed', async () => {
    expect((await call('/machines', await issuer.machine())).body).toEqual({ machine: 'key' })
  })
})

test('keys that cannot be fetched are 503, and public pages go on', async () => {
  const down = express()
  down.use(latchkey({ issuer: issuer.issuer, audience, fetch: () => Promise.reject(new TypeError('fetch failed')) }))
  down.get('/', (req, res) => res.json({ user: req.user ?? null }))
  down.get('/private', requireUser(), (_, res) => res.json('open'))
  const its = await listen(down)
  const authorization = `Bearer ${await issuer.sign()}`
  const refused = await fetch(`${its.url}/private`, { headers: { authorization } })
  expect([refused.status, refused.headers.get('retry-after'), refused.headers.get('www-authenticate')]).toEqual([503, '5', null])
  expect(await (await fetch(`${its.url}/`, { headers: { authorization } })).json()).toEqual({ user: null })
  await its.close()
})

test('an introspector learns where the client is', async () => {
  const asked: unknown[] = []
  const active = { active: true, token_kind: 'access_token', aud: audience, sub: 'ada', sid: 's', exp: 2_000_000_000 }
  const fetch = async (request: Request) => {
    asked.push(await request.json())
    return Response.json(active)
  }
  const app = express()
  app.set('trust proxy', 'loopback')
  app.use(latchkey({ authenticator: createIntrospector({ issuer: issuer.issuer, apiKey: 'lk_key', audience, fetch }) }))
  app.get('/', requireUser(), (req, res) => res.json(req.user?.id))
  const its = await listen(app)
  const headers = { authorization: 'Bearer token' }
  expect(await (await globalThis.fetch(its.url, { headers })).json()).toBe('ada')
  await globalThis.fetch(its.url, { headers: { ...headers, 'x-forwarded-for': '198.51.100.7, 203.0.113.9' } })
  expect(asked).toEqual([
    { token: 'token', client_ip: '127.0.0.1' },
    { token: 'token', client_ip: '203.0.113.9' },
  ])
  await its.close()
})

describe('webhooks', () => {
  const secret = `whsec_${Buffer.alloc(32, 'k').toString('base64')}`
  const body = JSON.stringify({ id: 'e1', type: 'user.merged', data: { from: 'b', into: 'a' } })
  const signed = (text: string) => {
    const at = String(Math.floor(Date.now() / 1000))
    const signature = createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
      .update(`e1.${at}.${text}`)
      .digest('base64')
    return { 'webhook-id': 'e1', 'webhook-timestamp': at, 'webhook-signature': `v1,${signature}` }
  }
  let its: Listening
  const merged: string[] = []

  beforeAll(async () => {
    const app = express()
    app.post('/webhooks', webhook(secret, { 'user.merged': ({ data }) => merged.push(data.from) }))
    app.post('/raw', express.raw({ type: '*/*' }), webhook(secret, { 'user.merged': ({ data }) => merged.push(data.from) }))
    app.post('/late', express.json(), webhook(secret, {}))
    its = await listen(app)
  })
  afterAll(() => its.close())

  test('reach their handler, once the signature is right', async () => {
    const post = async (path: string, headers: Record<string, string>) =>
      (await fetch(its.url + path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })).status
    expect(await post('/webhooks', signed(body))).toBe(204)
    expect(await post('/raw', signed(body))).toBe(204)
    expect(merged).toEqual(['b', 'b'])
    expect(await post('/webhooks', signed('another'))).toBe(400)
    expect(await post('/webhooks', {})).toBe(400)
    expect(await post('/late', signed(body))).toBe(500)
  })

  test('are read no further than an event can be long', async () => {
    expect((await fetch(`${its.url}/webhooks`, { method: 'POST', body: 'x'.repeat(1 << 21), headers: signed('x') })).status).toBe(413)
    // Without a length, and without an end.
    let sent = 0
    const status = await new Promise((resolve, reject) => {
      const sending = request(`${its.url}/webhooks`, { method: 'POST', headers: signed('x') }, (answer) => {
        resolve(answer.statusCode)
        sending.destroy()
      })
      sending.on('error', reject)
      const send = () => {
        for (let more = true; more && !sending.destroyed; sent += 1 << 16) more = sending.write(Buffer.alloc(1 << 16))
      }
      sending.on('drain', send)
      send()
    })
    expect(status).toBe(413)
    expect(sent).toBeLessThan(64 << 20) // what the sockets hold is sent, too
  })
})

test('an error that a handler throws has its status', async () => {
  expect((await call('/thrown')).status).toBe(403)
})

test('a guard without latchkey() is a fault of the program, and opens nothing', async () => {
  const app = express()
  app.use((_req, _res, next) => next())
  app.get('/', requireUser(), (_, res) => res.json('open'))
  const its = await listen(app)
  expect((await fetch(its.url)).status).toBe(500)
  await its.close()
})
