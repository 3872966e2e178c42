import { verifyMessage } from 'viem'
import { describe, expect, it, vi } from 'vitest'
import { createApi } from '../../../api/client'
import { isProblem, Problem } from '../../../api/problem'
import { withStepUp } from '../../../auth/step-up'
import { addTestWallet, asWallet } from '../../../wallet/test-wallet'
import { Declined, type Wallet } from '../../../wallet/types'
import { proveWallet, WrongNetwork } from './siwe'

const json = (status: number, body: unknown) =>
  new Response(JSON.stringify(body), { status, headers: { 'Content-Type': status < 400 ? 'application/json' : 'application/problem+json' } })

const refusal = (code: string, status: number) => json(status, { type: 'about:blank', title: code, status, code, detail: code, request_id: 'r1' })

const message = 'localhost:8080 wants you to sign in with your Ethereum account:\r\n\tbyte for byte  '
const challenge = { nonce: 'n', expires_at: '2030-01-01T00:00:00Z', domain: 'd', uri: 'u', chain_id: 1, message }
const result = { outcome: 'signed_in', user: { id: 'u1' }, session: { id: 's1' } }

// service answers each call with the next of its answers and remembers the calls.
function service(...answers: Response[]) {
  const calls: { path: string; body: Record<string, unknown> }[] = []
  const api = createApi({
    baseUrl: 'http://localhost:8080',
    fetch: async (request) => {
      calls.push({ path: new URL(request.url).pathname, body: (await request.json()) as Record<string, unknown> })
      const answer = answers.shift()
      if (!answer) throw new TypeError('Failed to fetch')
      return answer
    },
  })
  return { api, calls }
}

async function aWallet(): Promise<{ wallet: Wallet; address: string }> {
  let stored: string | null = null
  const test = await addTestWallet({
    getItem: () => stored,
    setItem: (_, value) => {
      stored = value
    },
  })
  return { wallet: asWallet(test), address: test.address }
}

describe('proveWallet', () => {
  it('signs the very message of the challenge and sends it back unchanged', async () => {
    const { wallet, address } = await aWallet()
    const { api, calls } = service(json(200, challenge), json(200, result))
    expect(await proveWallet(api, { wallet, address, purpose: 'link' })).toEqual(result)
    expect(calls[0]).toEqual({ path: '/v1/auth/siwe/challenge', body: { address: address.toLowerCase(), purpose: 'link' } })
    expect(calls[1]?.path).toBe('/v1/auth/siwe/verify')
    const sent = calls[1]!.body as { message: string; signature: `0x${string}` }
    expect(sent.message).toBe(message)
    expect(await verifyMessage({ address: address as `0x${string}`, message, signature: sent.signature })).toBe(true)
  })

  it("names the wallet's chain only where the service takes it", async () => {
    const { wallet, address } = await aWallet()
    const [ethereum, base] = [
      { id: 1, name: 'Ethereum', contracts: true },
      { id: 8453, name: 'Base', contracts: false },
    ]
    for (const [chains, chain] of [
      [[ethereum, base], 8453],
      [[ethereum], undefined],
      [undefined, undefined],
    ] as const) {
      const { api, calls } = service(json(200, challenge), json(200, result))
      const onBase = { ...wallet, chainId: () => Promise.resolve(8453) }
      await proveWallet(api, { wallet: onBase, address, purpose: 'sign_in', ...(chains && { chains: [...chains] }) })
      expect(calls[0]?.body['chain_id']).toBe(chain)
    }
  })

  it('does without the chain when the wallet does not tell it', async () => {
    const { wallet, address } = await aWallet()
    const { api } = service(json(200, challenge), json(200, result))
    const silent = { ...wallet, chainId: () => Promise.reject(new Error('locked')) }
    await expect(proveWallet(api, { wallet: silent, address, purpose: 'sign_in', chains: [{ id: 1, name: 'Ethereum', contracts: true }] })).resolves.toEqual(result)
  })

  it('says on which networks contract wallets sign in', async () => {
    const { wallet, address } = await aWallet()
    const chains = [
      { id: 1, name: 'Ethereum', contracts: true },
      { id: 8453, name: 'Base', contracts: false },
    ]
    const refused = () => json(401, { type: 'about:blank', title: 'x', status: 401, code: 'invalid_proof', detail: 'x', request_id: 'r1', field: 'signature' })
    const prove = (on: number, answer: Response) => {
      const { api } = service(json(200, challenge), answer)
      return proveWallet(api, { wallet: { ...wallet, chainId: () => Promise.resolve(on) }, address, purpose: 'sign_in', chains })
    }
    for (const elsewhere of [8453, 42161]) await expect(prove(elsewhere, refused())).rejects.toEqual(new WrongNetwork(['Ethereum']))
    await expect(prove(1, refused())).rejects.toSatisfy((error: unknown) => isProblem(error, 'invalid_proof'))
    await expect(prove(42161, refusal('rate_limited', 429))).rejects.toSatisfy((error: unknown) => isProblem(error, 'rate_limited'))
  })

  it('links a contract wallet on the chain that was chosen', async () => {
    const { wallet, address } = await aWallet()
    const { api, calls } = service(json(200, challenge), json(200, result))
    const onEthereum = { ...wallet, chainId: () => Promise.resolve(1) }
    await proveWallet(api, { wallet: onEthereum, address, purpose: 'link', chains: [{ id: 8453, name: 'Base', contracts: true }], chain: 8453 })
    expect(calls[0]?.body['chain_id']).toBe(8453)
  })

  it('sends nothing more when the person declines', async () => {
    const { wallet, address } = await aWallet()
    const { api, calls } = service(json(200, challenge))
    const declining = { ...wallet, sign: () => Promise.reject(new Declined()) }
    await expect(proveWallet(api, { wallet: declining, address, purpose: 'sign_in' })).rejects.toBeInstanceOf(Declined)
    expect(calls).toHaveLength(1)
  })

  it('throws the refusal with its ticket', async () => {
    const { wallet, address } = await aWallet()
    const taken = json(409, { type: 't', title: 't', status: 409, code: 'identity_taken', detail: 'd', request_id: 'r', ticket: 'T', ticket_kind: 'merge' })
    const { api } = service(json(200, challenge), taken)
    const error: unknown = await proveWallet(api, { wallet, address, purpose: 'link' }).catch((e: unknown) => e)
    expect(isProblem(error, 'identity_taken') && [error.status, error.ticket, error.ticketKind, error.requestId]).toEqual([409, 'T', 'merge', 'r'])
  })

  it('tells a lost connection from a refusal', async () => {
    const { wallet, address } = await aWallet()
    const { api } = service()
    await expect(proveWallet(api, { wallet, address, purpose: 'sign_in' })).rejects.toMatchObject({ code: 'offline', status: 0 })
  })
})

describe('withStepUp', () => {
  it('has the person confirm, then proves the wallet again with a new challenge', async () => {
    const { wallet, address } = await aWallet()
    const { api, calls } = service(json(200, challenge), refusal('reauth_required', 403), json(200, challenge), json(200, result))
    const stepUp = vi.fn(() => Promise.resolve(true))
    expect(await withStepUp(() => proveWallet(api, { wallet, address, purpose: 'link' }), stepUp)).toEqual(result)
    expect(stepUp).toHaveBeenCalledTimes(1)
    expect(calls.map((call) => call.path.split('/').at(-1))).toEqual(['challenge', 'verify', 'challenge', 'verify'])
  })

  it('leaves it when the person does not want to', async () => {
    const { api, calls } = service(refusal('reauth_required', 403))
    const { wallet, address } = await aWallet()
    expect(
      await withStepUp(
        () => proveWallet(api, { wallet, address, purpose: 'link' }),
        () => Promise.resolve(false),
      ),
    ).toBeUndefined()
    expect(calls).toHaveLength(1)
  })

  it('asks once: a second refusal is shown', async () => {
    const { wallet, address } = await aWallet()
    const { api } = service(refusal('reauth_required', 403), refusal('reauth_required', 403))
    const stepUp = vi.fn(() => Promise.resolve(true))
    await expect(withStepUp(() => proveWallet(api, { wallet, address, purpose: 'link' }), stepUp)).rejects.toMatchObject({ code: 'reauth_required' })
    expect(stepUp).toHaveBeenCalledTimes(1)
  })

  it.each([
    ['require_fresh_for_admin', 1],
    ['idle', 1],
    ['allowed_networks', 0],
    ['max_age', 0],
  ])('where a team refuses by its rule %s asks %i times', async (rule, times) => {
    const refused = new Problem({ code: 'policy_unsatisfied', status: 403, rule })
    const action = vi.fn().mockRejectedValueOnce(refused).mockResolvedValue('done')
    const stepUp = vi.fn(() => Promise.resolve(true))
    const answer = withStepUp<unknown>(action, stepUp)
    await (times > 0 ? expect(answer).resolves.toBe('done') : expect(answer).rejects.toBe(refused))
    expect(stepUp).toHaveBeenCalledTimes(times)
  })

  it('does not ask about other refusals', async () => {
    const { wallet, address } = await aWallet()
    const { api } = service(refusal('user_disabled', 403))
    const stepUp = vi.fn(() => Promise.resolve(true))
    await expect(withStepUp(() => proveWallet(api, { wallet, address, purpose: 'link' }), stepUp)).rejects.toMatchObject({ code: 'user_disabled' })
    expect(stepUp).not.toHaveBeenCalled()
  })
})
