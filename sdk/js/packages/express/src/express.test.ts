import { createIntrospector } from '@latchkey/server'
import express from 'express'
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, test } from 'vitest'
import { audience, Issuer, type Listening, listen } from '../../../test/issuer.js'
import { LatchkeyError, latchkey, requireRole, requireUser, type User } from './index.js'

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

test('what is for everybody goes on', async () => {
  expect((await call('/')).body).toEqual({ user: null, machine: null })
  expect((await call('/', 'forged')).body).toEqual({ user: null, machine: null })
  expect((await call('/', await issuer.sign())).body).toEqual({ user: 'user', machine: null })
  expect((await call('/', await issuer.machine())).body).toEqual({ user: null, machine: 'key' })
})

test('the author is who signed in, whatever the body says', async () => {
  const note = { method: 'POST', body: JSON.stringify({ text: 'hello', author: 'mallory', user_id: 'mallory' }) }
  expect((await call('/notes', await issuer.sign(), note)).body).toEqual({ author: 'user', text: 'hello' })
})

test('nobody is 401 with WWW-Authenticate, a machine 403', async () => {
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

  test('of a machine counts where it may come', async () => {
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
