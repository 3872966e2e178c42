import { type Client, createClient, LatchkeyError } from '@latchkey/client'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import { custom, defineChain } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { parseSiweMessage } from 'viem/siwe'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { createConfig, WagmiProvider } from 'wagmi'
import { connect } from 'wagmi/actions'
import { injected } from 'wagmi/connectors'
import { createLatchkeySIWX } from './appkit.js'
import { createLatchkeyAdapter } from './rainbowkit.js'
import { type LatchkeySignIn, signInWithWagmi, useLatchkeySignIn } from './wagmi.js'

const wallet = privateKeyToAccount(generatePrivateKey())
const result = { outcome: 'signed_in', user: { id: 'ada' }, session: { id: 's', created_at: '2026-03-01T12:00:00Z' } }

// Service answers as Latchkey does, and keeps what it was asked.
class Service {
  asked: { path: string; body: Record<string, unknown> }[] = []
  session: object | undefined
  identities: object[] = []
  refusal: object | undefined
  readonly client: Client = createClient({ baseUrl: 'https://auth.example.com', fetch: (request) => this.#answer(request) })

  async #answer(request: Request): Promise<Response> {
    const { pathname: path } = new URL(request.url)
    const body = request.method === 'POST' ? ((await request.json()) as Record<string, unknown>) : {}
    this.asked.push({ path: `${request.method} ${path}`, body })
    if (this.refusal && path.startsWith('/v1/auth')) return Response.json(this.refusal, { status: 400 })
    switch (path) {
      case '/v1/auth/siwe/challenge': {
        const { address, chain_id: chain = 1 } = body
        const message = `app.example.com wants you to sign in with your Ethereum account:\n${address}\n\nTake the terms.\n\nURI: https://app.example.com\nVersion: 1\nChain ID: ${chain}\nNonce: abcdefgh1234\nIssued At: 2026-03-01T12:00:00Z\nExpiration Time: 2026-03-01T12:10:00Z\nResources:\n- https://app.example.com/terms`
        return Response.json({ nonce: 'abcdefgh1234', domain: 'app.example.com', uri: 'https://app.example.com', chain_id: chain, expires_at: '2026-03-01T12:10:00Z', message })
      }
      case '/v1/auth/siwe/verify':
        return Response.json(result)
      case '/v1/session':
        if (request.method === 'DELETE') return new Response(null, { status: 204 })
        return this.session ? Response.json(this.session) : Response.json({ code: 'unauthenticated' }, { status: 401 })
      case '/v1/me/identities':
        return Response.json({ data: this.identities, next_cursor: null })
    }
    return new Response(null, { status: 404 })
  }

  paths() {
    return this.asked.map(({ path }) => path)
  }
}

let service: Service
beforeEach(() => {
  service = new Service()
})

const ofWallet = (address: string, kind = 'eoa') => ({ ...result, former_ids: [], identity: { id: 'i', provider: 'siwe', wallet: { address, chain_id: 1, kind } } })

describe('RainbowKit', () => {
  test('signs the message of the service, with the account that it learns later', async () => {
    const onSignIn = vi.fn()
    const adapter = createLatchkeyAdapter({ client: service.client, purpose: 'link', onSignIn })
    const nonce = await adapter.getNonce()
    const message = adapter.createMessage({ nonce, address: wallet.address.toLowerCase(), chainId: 10 })
    expect(parseSiweMessage(message)).toMatchObject({ address: wallet.address, chainId: 10, nonce, domain: 'app.example.com', statement: 'Take the terms.' })
    expect(await adapter.verify({ message, signature: '0x1' })).toBe(true)
    expect(onSignIn).toHaveBeenCalledWith(result)
    expect(service.asked[0]?.body['purpose']).toBe('link')
    expect(service.asked[1]?.body).toEqual({ message, signature: '0x1' })
    await adapter.signOut()
    expect(service.paths().at(-1)).toBe('DELETE /v1/session')
  })

  test('a refusal is false, with its reason for the application', async () => {
    const onError = vi.fn()
    const adapter = createLatchkeyAdapter({ client: service.client, onError })
    service.refusal = { code: 'invalid_message', detail: 'domain: the first line must be ...' }
    expect(await adapter.verify({ message: 'm', signature: '0x1' })).toBe(false)
    expect(onError.mock.calls[0]?.[0]).toBeInstanceOf(LatchkeyError)
    await expect(adapter.getNonce()).rejects.toThrow(LatchkeyError)
    expect(() => adapter.createMessage({ nonce: 'another', address: wallet.address, chainId: 1 })).toThrow('nonce')
  })
})

describe('AppKit', () => {
  test('signs the message of the service', async () => {
    const siwx = createLatchkeySIWX({ client: service.client })
    const message = await siwx.createMessage({ accountAddress: wallet.address, chainId: 'eip155:1' })
    expect(parseSiweMessage(message.toString())).toMatchObject({ address: wallet.address, chainId: 1 })
    expect({ ...message, toString: undefined }).toEqual({
      accountAddress: wallet.address,
      chainId: 'eip155:1',
      domain: 'app.example.com',
      uri: 'https://app.example.com',
      version: '1',
      nonce: 'abcdefgh1234',
      statement: 'Take the terms.',
      issuedAt: '2026-03-01T12:00:00Z',
      expirationTime: '2026-03-01T12:10:00Z',
      resources: ['https://app.example.com/terms'],
      toString: undefined,
    })
    await siwx.addSession({ message: message.toString(), signature: '0x1' })
    expect(service.asked.at(-1)?.body).toEqual({ message: message.toString(), signature: '0x1' })
    // Without an account WalletConnect writes the message, by these fields.
    expect(await siwx.createMessage({ accountAddress: '', chainId: '' })).toMatchObject({ chainId: 'eip155:1', nonce: 'abcdefgh1234', statement: 'Take the terms.' })
    await expect(siwx.createMessage({ accountAddress: 'x', chainId: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp' })).rejects.toThrow('eip155')
  })

  test('of several chains one is verified, and a refusal is thrown', async () => {
    const onError = vi.fn()
    const siwx = createLatchkeySIWX({ client: service.client, onError })
    await siwx.setSessions([
      { message: 'one', signature: '0x1' },
      { message: 'two', signature: '0x2' },
    ])
    expect(service.asked.map(({ body }) => body)).toEqual([{ message: 'one', signature: '0x1' }])
    service.refusal = { code: 'invalid_proof' }
    await expect(siwx.addSession({ message: 'one', signature: '0x1' })).rejects.toThrow(LatchkeyError)
    expect(onError).toHaveBeenCalledOnce()
  })

  test('a session is that of the wallet, or of a person who linked it', async () => {
    const siwx = createLatchkeySIWX({ client: service.client })
    const { address } = wallet
    const found = async (chain = 1) => (await siwx.getSessions(`eip155:${chain}`, address.toLowerCase())).length
    expect(await found()).toBe(0)
    service.session = ofWallet(address)
    expect([await found(), await found(10)]).toEqual([1, 1])
    service.session = ofWallet(address, 'contract')
    expect([await found(), await found(10)]).toEqual([1, 0])
    service.session = { ...result, former_ids: [], identity: { id: 'i', provider: 'google' } }
    expect(await found()).toBe(0)
    service.identities = [
      { id: 'i', provider: 'google' },
      { id: 'w', provider: 'siwe', wallet: { address, chain_id: 1, kind: 'eoa' } },
    ]
    expect(await found()).toBe(1)
  })

  test('disconnecting ends a session of the wallet, and no other', async () => {
    const siwx = createLatchkeySIWX({ client: service.client })
    const ended = async (run: () => Promise<void>) => {
      service.asked = []
      await run()
      return service.paths().includes('DELETE /v1/session')
    }
    service.session = { ...result, former_ids: [], identity: { id: 'i', provider: 'google' } }
    expect(await ended(() => siwx.setSessions([]))).toBe(false)
    service.session = ofWallet(wallet.address)
    expect(await ended(() => siwx.revokeSession('eip155:1', '0x0000000000000000000000000000000000000001'))).toBe(false)
    expect(await ended(() => siwx.revokeSession('eip155:1', wallet.address))).toBe(true)
    expect(await ended(() => siwx.setSessions([]))).toBe(true)
  })
})

let hook: LatchkeySignIn | undefined
function Shown({ client }: { client: Client }) {
  hook = useLatchkeySignIn({ client })
  return createElement('p', null, String(hook.isPending))
}

describe('wagmi', () => {
  const chain = defineChain({ id: 1, name: 'Ethereum', nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [] } } })
  // A wallet as wagmi finds them in browsers.
  const provider = {
    on: () => {},
    removeListener: () => {},
    async request({ method, params }: { method: string; params?: unknown[] }): Promise<unknown> {
      switch (method) {
        case 'eth_requestAccounts':
        case 'eth_accounts':
          return [wallet.address]
        case 'eth_chainId':
          return '0x1'
        case 'personal_sign':
          return wallet.signMessage({ message: { raw: params?.[0] as `0x${string}` } })
      }
      throw Object.assign(new Error(method), { code: -32601 })
    },
  }
  // wagmi looks for wallets in browsers only.
  beforeEach(() => {
    vi.stubGlobal('window', new EventTarget())
    return () => vi.unstubAllGlobals()
  })
  const configure = () =>
    createConfig({
      chains: [chain],
      transports: { [chain.id]: custom(provider) },
      connectors: [injected({ target: { id: 'test', name: 'Test', provider: provider as never } })],
      storage: null,
    })

  test('the connected wallet signs the message of the service', async () => {
    const config = configure()
    await expect(signInWithWagmi(config, { client: service.client })).rejects.toThrow('no wallet is connected')
    await connect(config, { connector: config.connectors[0]! })
    expect(await signInWithWagmi(config, { client: service.client, purpose: 'step_up' })).toEqual(result)
    const [challenge, verify] = service.asked
    expect(challenge?.body).toEqual({ address: wallet.address, chain_id: 1, purpose: 'step_up' })
    expect(verify?.body['signature']).toBe(await wallet.signMessage({ message: String(verify?.body['message']) }))
  })

  test('the hook asks the wallet once for two clicks, and nothing while a server renders', async () => {
    const config = configure()
    await connect(config, { connector: config.connectors[0]! })
    const app = createElement(
      WagmiProvider,
      { config, reconnectOnMount: false },
      createElement(QueryClientProvider, { client: new QueryClient() }, createElement(Shown, { client: service.client })),
    )
    expect(renderToString(app)).toContain('false')
    expect(service.asked).toEqual([])
    const [first, second] = [hook!.signIn(), hook!.signIn()]
    expect(second).toBe(first)
    expect(await first).toEqual(result)
    expect(service.paths().filter((path) => path.endsWith('/verify'))).toHaveLength(1)
  })
})
