import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { audience, Issuer, listen } from './issuer.js'
import { createNote } from './readme/backend.js'
import { app } from './readme/express.js'
import { serve } from './readme/mcp.js'
import { greeting, latchkey, notes } from './readme/page.js'
import { users } from './readme/users.js'
import { POST } from './readme/webhooks.js'

const secret = vi.hoisted(() => (process.env['WEBHOOK_SECRET'] = `whsec_${Buffer.alloc(32, 'k').toString('base64')}`))

// The code of the READMEs, with a service that answers at https://auth.example.com.
let issuer: Issuer
const real = globalThis.fetch
let answer: ((request: Request) => Response | Promise<Response>) | undefined

beforeAll(async () => {
  issuer = await Issuer.create()
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input, init)
    if (request.url.startsWith('http://127.0.0.1')) return real(request)
    if (request.url.endsWith('/jwks.json')) return issuer.fetch(request)
    return answer?.(request) ?? new Response(null, { status: 404 })
  })
})
afterAll(() => {
  vi.unstubAllGlobals()
})
beforeEach(() => {
  answer = undefined
})

const post = (authorization: string | undefined, body: object = {}) =>
  new Request('https://api.example.com/', { method: 'POST', body: JSON.stringify(body), headers: authorization === undefined ? {} : { authorization } })

test('page.ts', async () => {
  answer = () => Response.json({ code: 'unauthenticated' }, { status: 401 })
  expect(await greeting()).toBe('https://auth.example.com/v1/auth/google/start?return_to=%2Fnotes')
  answer = () => Response.json({ user: { id: 'ada', display_name: 'Ada' }, session: { id: 's' } })
  expect(await greeting()).toBe('Hello Ada')
  answer = () => new Response('<h1>500</h1>', { status: 500 })
  expect(await greeting()).toBe('Try again later (unexpected_response)')
  answer = (request) => (request.url.endsWith('/v1/token') ? Response.json({ access_token: 'token', expires_in: 300 }) : Response.json(request.headers.get('authorization')))
  expect(await (await notes()).json()).toBe('Bearer token')
  await latchkey.session.signOut()
})

test('backend.ts', async () => {
  const said = { text: 'hello', author: 'mallory', team: 'other' }
  const written = await createNote(post(`Bearer ${await issuer.sign({ claims: { team: 'acme', role: 'member' } })}`, said))
  expect(await written.json()).toEqual({ author: 'user', team: 'acme', text: 'hello' })
  const statuses = [undefined, 'Bearer forged', `Bearer ${await issuer.sign()}`, `Bearer ${await issuer.machine()}`].map(
    async (token) => (await createNote(post(token, said))).status,
  )
  expect(await Promise.all(statuses)).toEqual([401, 401, 403, 403])
})

test('webhooks.ts', async () => {
  const deliver = (type: string, data: object, by = secret) => {
    const body = JSON.stringify({ id: 'e1', type, seq: 1, at: '', api_version: 'v1', data })
    const at = String(Math.floor(Date.now() / 1000))
    const signature = createHmac('sha256', Buffer.from(by.slice(6), 'base64'))
      .update(`e1.${at}.${body}`)
      .digest('base64')
    return new Request('https://app.example.com/', { method: 'POST', body, headers: { 'webhook-id': 'e1', 'webhook-timestamp': at, 'webhook-signature': `v1,${signature}` } })
  }
  const created = { user_id: 'b', user: { primary_email: 'ada@example.com' } }
  expect((await POST(deliver('user.created', created, `whsec_${Buffer.alloc(32, 'x').toString('base64')}`))).status).toBe(400)
  expect([...users.rows.values()]).toEqual([])
  expect((await POST(deliver('user.created', created))).status).toBe(204)
  expect([...users.rows.values()]).toEqual([{ id: 'b', email: 'ada@example.com' }])
  for (let i = 0; i < 2; i++) expect((await POST(deliver('user.merged', { user_id: 'a', from: 'b', into: 'a' }))).status).toBe(204)
  expect([...users.rows.keys()]).toEqual(['a'])
})

test('mcp.ts', async () => {
  const metadata = await serve(new Request('https://mcp.example.com/.well-known/oauth-protected-resource/mcp'))
  expect(await metadata.json()).toMatchObject({ resource: 'https://mcp.example.com/mcp', authorization_servers: ['https://auth.example.com'] })
  const token = (scope: string) => issuer.sign({ claims: { aud: ['https://mcp.example.com/mcp'], scope } })
  expect(await (await serve(post(`Bearer ${await token('tools:read')}`))).json()).toEqual({ hello: 'user' })
  expect((await serve(post(`Bearer ${await token('other')}`))).headers.get('www-authenticate')).toContain('insufficient_scope')
  expect((await serve(post(undefined))).headers.get('www-authenticate')).toContain('resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"')
  expect((await serve(post(`Bearer ${await issuer.sign({ claims: { aud: [audience] } })}`))).status).toBe(401)
})

test('express.ts', async () => {
  const server = await listen(app)
  const call = (path: string, method: string, token: string) =>
    fetch(server.url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(method === 'POST' ? { body: '{"text":"hello","author":"mallory"}' } : {}),
    })
  const admin = await issuer.sign({ claims: { team: 'acme', role: 'admin' } })
  expect(await (await call('/notes', 'POST', admin)).json()).toEqual({ author: 'user', text: 'hello' })
  expect((await call('/notes', 'POST', 'forged')).status).toBe(401)
  expect((await call('/teams/acme/notes', 'DELETE', admin)).status).toBe(204)
  expect((await call('/teams/other/notes', 'DELETE', admin)).status).toBe(403)
  await server.close()
})
