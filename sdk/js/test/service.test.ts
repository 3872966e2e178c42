import { createServer } from 'node:http'
import { LatchkeyError } from '@latchkey/client'
import { Latchkey, type Session } from '@latchkey/next'
import { createAdmin, createIntrospector, createVerifier, errorResponse, type LatchkeyEvent, requireTeamRole, verifyWebhook } from '@latchkey/server'
import { createLatchkeySIWX } from '@latchkey/wallet/appkit'
import { createLatchkeyAdapter } from '@latchkey/wallet/rainbowkit'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { createSiweMessage } from 'viem/siwe'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Service, startService } from '../../../web/e2e/service.js'
import { Browser } from './browser.js'
import { listen } from './issuer.js'
import { signInByPassword } from './readme/password-form.js'
import { users } from './readme/users.js'

// The packages with the real service, which `make build` builds.
const audience = 'https://api.example.com'
const application = 'http://localhost:1' // nothing is there: its handlers are called here
let service: Service
let apiKey: string

beforeAll(async () => {
  service = await startService({ LATCHKEY_CLIENTS: `web=${audience}`, LATCHKEY_ALLOWED_ORIGINS: application })
  const scopes = ['introspect', 'users:write', 'users:read', 'events:read', 'admin:write', 'admin:read'].flatMap((scope) => ['--scope', scope])
  apiKey = (await service.admin('api-key', 'create', '--name', 'sdk', ...scopes)).trim()
})
afterAll(() => service?.stop())

async function refusal(promise: Promise<unknown>): Promise<LatchkeyError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(LatchkeyError)
  return error as LatchkeyError
}

const realFetch = globalThis.fetch

const newWallet = () => privateKeyToAccount(generatePrivateKey())

// signInByWallet signs the message of the service.
async function signInByWallet(browser: Browser, wallet = newWallet(), purpose: 'sign_in' | 'link' | 'step_up' = 'sign_in') {
  const { message = '' } = await browser.client.siwe.challenge({ address: wallet.address, purpose })
  return browser.client.siwe.verify({ message, signature: await wallet.signMessage({ message }) })
}

// codeTo reads the code that was mailed, which may reach the development mailbox a moment after the answer.
async function codeTo(to: string): Promise<string> {
  let code: string | undefined
  await expect
    .poll(async () => {
      const letters = (await (await fetch(`${service.url}/dev/mail`, { headers: { accept: 'application/json' } })).json()) as { to: string; text: string }[]
      code = /\b\d{6}\b/.exec(letters.find((letter) => letter.to === to)?.text ?? '')?.[0]
      return code
    })
    .toBeDefined()
  return code ?? ''
}

test('a wallet, the session, me, and signing out', async () => {
  const browser = new Browser(service.url)
  const { client } = browser
  expect(await client.session.get()).toBeNull()
  const wallet = newWallet()
  // The message by viem, from what the service says.
  const { nonce, domain, uri, chain_id: chainId } = await client.siwe.challenge()
  const message = createSiweMessage({ address: wallet.address, nonce, domain, uri, chainId, version: '1' })
  const signed = await client.siwe.verify({ message, signature: await wallet.signMessage({ message }) })
  expect(signed.outcome).toBe('created')
  const session = await client.session.get()
  expect(session?.user.id).toBe(signed.user.id)
  expect(session?.identity?.wallet?.address).toBe(wallet.address)
  expect((await client.me.update({ display_name: 'Ada', onboarded: true })).display_name).toBe('Ada')
  expect((await client.me.get()).onboarded_at).not.toBeNull()
  expect((await client.me.identities.list()).data.map((identity) => identity.wallet?.address)).toEqual([wallet.address])
  expect(await refusal(client.siwe.verify({ message, signature: await wallet.signMessage({ message }) }))).toMatchObject({
    code: 'proof_used',
    status: 401,
    requestId: expect.any(String),
  })
  await client.session.signOut()
  expect(await client.session.get()).toBeNull()
  expect((await refusal(client.me.get())).code).toBe('unauthenticated')
})

test('RainbowKit and AppKit sign in, and the message of AppKit alone is refused with what to change', async () => {
  const wallet = newWallet()
  const rainbow = new Browser(service.url)
  const adapter = createLatchkeyAdapter({ client: rainbow.client })
  const text = adapter.createMessage({ nonce: await adapter.getNonce(), address: wallet.address.toLowerCase(), chainId: 1 })
  expect(await adapter.verify({ message: text, signature: await wallet.signMessage({ message: text }) })).toBe(true)
  const user = (await rainbow.client.session.get())?.user.id

  const errors: unknown[] = []
  const appkit = new Browser(service.url)
  const siwx = createLatchkeySIWX({ client: appkit.client, onError: (error) => errors.push(error) })
  const sign = async (message: string) => ({ message, signature: await wallet.signMessage({ message }) })
  const created = await siwx.createMessage({ accountAddress: wallet.address.toLowerCase(), chainId: 'eip155:1' })
  // As the default messenger of AppKit writes the same fields.
  const informal = `${created.domain} wants you to sign in with your Ethereum Mainnet account:\n${wallet.address}\n\nURI: ${created.uri}\nVersion: 1\nChain ID: eip155:1\nNonce: ${created.nonce}\nIssued At: ${created.issuedAt}`
  await expect(siwx.addSession(await sign(informal))).rejects.toMatchObject({
    code: 'invalid_message',
    field: 'domain',
    message: expect.stringMatching(/Ethereum account.*eip155/s),
  })
  expect(errors).toHaveLength(1)
  expect(await siwx.getSessions('eip155:1', wallet.address)).toEqual([])
  await siwx.addSession(await sign(created.toString()))
  expect((await appkit.client.session.get())?.user.id).toBe(user)
  expect(await siwx.getSessions('eip155:1', wallet.address)).toHaveLength(1)
  await siwx.revokeSession('eip155:1', wallet.address)
  expect(await appkit.client.session.get()).toBeNull()
})

test('a mailed code; another purpose than signing in needs a session', async () => {
  const browser = new Browser(service.url)
  const email = 'grace@example.com'
  await browser.client.email.start({ email })
  const code = await codeTo(email)
  const wrong = code === '000000' ? '000001' : '000000'
  expect((await refusal(browser.client.email.verify({ code: wrong, email }))).status).toBe(401)
  expect((await browser.client.email.verify({ code, email })).user.primary_email).toBe(email)
  expect((await signInByWallet(browser, newWallet(), 'link')).outcome).toBe('linked')
  const another = new Browser(service.url)
  expect((await refusal(signInByWallet(another, newWallet(), 'link'))).code).toBe('unauthenticated')
})

test('where a provider is begun', async () => {
  const browser = new Browser(service.url)
  const begun = await browser.fetch(new Request(browser.client.signInUrl('google', { returnTo: '/account' })))
  expect([begun.status, begun.headers.get('location')]).toEqual([302, expect.stringContaining('client_id=')])
  expect((await browser.fetch(new Request(browser.client.signInUrl('google', { returnTo: 'https://evil.example/' })))).status).toBe(400)
  expect((await refusal(browser.client.signInUrl('google', { purpose: 'link' }))).code).toBe('unauthenticated')
  await signInByWallet(browser)
  expect(await browser.client.signInUrl('google', { purpose: 'link', returnTo: '/account' })).toContain('client_id=')
})

test('teams, access tokens, and who they are to a backend', async () => {
  const verifier = createVerifier({ issuer: service.url, audience })
  const introspector = createIntrospector({ issuer: service.url, apiKey, audience })
  const ada = new Browser(service.url)
  const { user } = await signInByWallet(ada)
  const team = await ada.client.teams.create('Acme')
  await ada.client.teams.enter(team.id)
  expect((await ada.client.session.get())?.team_session?.team_id).toBe(team.id)

  // Ten callers, one request, one token.
  const tokens = await Promise.all(Array.from({ length: 10 }, () => ada.client.getAccessToken({ clientId: 'web', teamId: team.id })))
  expect(new Set(tokens).size).toBe(1)
  expect(ada.calls.filter((call) => call === 'POST /v1/token')).toHaveLength(1)
  const token = tokens[0] ?? ''

  for (const authenticator of [verifier, introspector]) {
    const who = await authenticator.authenticate(`bearer ${token}`)
    expect(who).toMatchObject({ type: 'user', id: user.id, client: 'web', team: team.id, role: 'owner', methods: ['siwe'] })
    requireTeamRole(who, 'owner', { team: team.id })
  }
  expect((await refusal(createVerifier({ issuer: service.url, audience: 'https://other.example.com' }).verify(token))).status).toBe(401)
  expect((await refusal(verifier.verify(`${token.slice(0, -4)}AAAA`))).status).toBe(401)
  expect((await refusal(introspector.verify('x'))).status).toBe(401)
  expect((await refusal(createIntrospector({ issuer: service.url, apiKey }).verify(token))).status).toBe(503) // for which API?
  // A fault of the key is not the person's.
  expect((await refusal(createIntrospector({ issuer: service.url, apiKey: 'lk_wrong' }).verify(token))).status).toBe(503)

  // An API key of the team is a machine.
  const made = await ada.client.api.POST('/v1/teams/{team}/api-keys', { params: { path: { team: team.id } }, body: { name: 'ci', role: 'member' } })
  const { key, secret } = made.data!
  const granted = await fetch(`${service.url}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: key.id, client_secret: secret }),
  })
  const machine = (await granted.json()) as { access_token: string }
  const ofService = createVerifier({ issuer: service.url, audience: service.url })
  for (const authenticator of [ofService, verifier, createIntrospector({ issuer: service.url, apiKey, audience: service.url })]) {
    expect(await authenticator.verify(machine.access_token)).toMatchObject({ type: 'machine', id: key.id, team: team.id, role: 'member' })
  }

  // Introspection sees the end of a session at once.
  await ada.client.session.signOut()
  expect((await refusal(introspector.verify(token))).status).toBe(401)
  expect(await verifier.verify(token)).toMatchObject({ id: user.id })
})

test('the backend: users, the feed, and a webhook that is verified', async () => {
  const admin = createAdmin({ issuer: service.url, apiKey })
  const deliveries: Request[] = []
  const events: LatchkeyEvent[] = []
  let secret = ''
  const receiver = await listen((incoming, answer) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', async () => {
      const request = new Request('http://app.example/webhooks', { method: 'POST', body: Buffer.concat(chunks), headers: incoming.headers as Record<string, string> })
      deliveries.push(request.clone())
      events.push(await verifyWebhook(request, secret))
      answer.statusCode = 204
      answer.end()
    })
  })
  const webhook = await admin.webhooks.create({ url: `${receiver.url}/hook`, types: ['user.created'] })
  secret = webhook.secret

  const created = await admin.users.create({ external_id: 'customer-1', display_name: 'Eve', app_metadata: { plan: 'pro' } })
  expect(await admin.users.get({ externalId: 'customer-1' })).toMatchObject({ id: created.id, app_metadata: { plan: 'pro' } })
  expect((await admin.users.update(created.id, { onboarded: true })).onboarded_at).not.toBeNull()
  expect((await admin.users.list({ ids: [created.id] })).data).toHaveLength(1)
  expect(await refusal(admin.users.get('018f4e0a-5b1c-7d3e-9a2b-3c4d5e6f7a8b'))).toMatchObject({ code: 'not_found', status: 404 })

  await expect.poll(() => events.length, { timeout: 20_000 }).toBeGreaterThan(0)
  const [event] = events
  if (event?.type !== 'user.created') throw new Error(`a ${event?.type}`)
  expect([event.data.user_id, event.data.user?.display_name]).toEqual([created.id, 'Eve'])
  // What Latchkey says of the key is no answer to the person whose request this is.
  vi.spyOn(console, 'error').mockReturnValueOnce()
  const refused = await refusal(createAdmin({ issuer: service.url, apiKey: 'lk_wrong' }).users.list())
  expect([refused.code, errorResponse(refused).status]).toEqual(['api_key_refused', 500])

  await expect(verifyWebhook(deliveries[0]!, `whsec_${btoa('another secret, as long')}`)).rejects.toThrow(LatchkeyError)

  // The feed has the same event.
  for await (const read of admin.events.read({ types: ['user.created'] })) {
    if (read.id !== event.id) continue
    expect(read).toEqual(event)
    break
  }
  await admin.webhooks.delete(webhook.id)
  await receiver.close()
})

test('a Next.js application on the same domain, by the cookie of Latchkey', async () => {
  const next = Latchkey({ mode: 'cookie', issuer: service.url, baseUrl: application })
  const ada = new Browser(service.url, application)
  const { user } = await signInByWallet(ada)
  const send = (path: string, init: RequestInit = {}) =>
    next.handlers[init.method === 'POST' ? 'POST' : 'GET'](
      new Request(`${application}/api/auth/${path}`, { ...init, headers: { cookie: ada.cookie, origin: application, accept: 'text/html', 'sec-fetch-dest': 'document' } }),
    )
  const session = async () => (await (await send('session')).json()) as Session | null
  expect(await session()).toMatchObject({ user: { id: user.id }, methods: ['siwe'] })
  const team = await ada.client.teams.create('Acme')
  const entered = await send(`signin?team=${team.id}&redirectTo=/dashboard`)
  expect([entered.status, entered.headers.get('location')]).toEqual([303, '/dashboard'])
  expect((await session())?.team).toEqual({ id: team.id, role: 'owner' })
  expect((await send(`signin?team=${user.id}`)).status).toBe(403)
  const { cookie } = ada
  const out = await send('signout', { method: 'POST' })
  expect([out.status, out.headers.getSetCookie()]).toEqual([303, [expect.stringMatching(/^latchkey=; .*Max-Age=0/)]])
  expect(await session()).toBeNull()
  expect(await ada.client.session.get()).toBeNull()
  expect(cookie).toMatch(/(^|; )latchkey=/)
})

test('a password of the own backend', async () => {
  const key = (await service.admin('api-key', 'create', '--name', 'legacy', '--scope', 'proofs:write', '--proves', 'backend:legacy')).trim()
  vi.stubEnv('LATCHKEY_PROOFS_KEY', key)
  const { POST } = await import('./readme/password-backend.js')
  users.passwords.set('ada@example.com', { id: '42', name: 'Ada', password: 'lovelace' })
  // The page is on a site beside Latchkey, whose address in the code is auth.example.com.
  const page = new Browser(service.url, application)
  vi.stubGlobal('fetch', (input: string | Request, init?: RequestInit) => {
    if (input === '/api/login') return POST(new Request(application + input, init))
    const request = new Request(input, init)
    const moved = new Request(request.url.replace('https://auth.example.com', service.url), request)
    return moved.headers.has('authorization') ? realFetch(moved) : page.fetch(moved)
  })
  try {
    expect(await signInByPassword('ada@example.com', 'wrong')).toBe(false)
    expect(await signInByPassword('ada@example.com', 'lovelace')).toBe(true)
  } finally {
    vi.unstubAllGlobals()
    vi.unstubAllEnvs()
  }
  const session = await page.client.session.get()
  expect([session?.user.display_name, session?.session.methods]).toEqual(['Ada', ['backend:legacy']])
})

test('a service that is away is an error, for every package', async () => {
  const gone = createServer()
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve))
  const { port } = gone.address() as { port: number }
  await new Promise((resolve) => gone.close(resolve))
  const issuer = `http://127.0.0.1:${port}`
  const away = new Browser(issuer)
  expect((await refusal(away.client.session.get())).code).toBe('network_error')
  expect((await refusal(away.client.getAccessToken())).code).toBe('network_error')
  expect((await refusal(createIntrospector({ issuer, apiKey }).verify('token'))).status).toBe(503)
  expect((await refusal(createAdmin({ issuer, apiKey }).users.list())).code).toBe('network_error')
})
