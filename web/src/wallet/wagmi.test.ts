import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { getConnectors } from 'wagmi/actions'
import { Declined, WalletFault } from './types'
import { configFor, faultOf, walletOf } from './wagmi'

const soon = '2026-03-01T12:10:00Z'
const address = '0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B'

beforeEach(() => vi.stubGlobal('window', new EventTarget()))
afterEach(() => vi.unstubAllGlobals())

function announce(info: object, provider: unknown = { request: () => Promise.resolve(null), on: () => undefined, removeListener: () => undefined }) {
  window.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail: { info, provider } }))
}

type Answers = Record<string, (params: unknown) => unknown>

// aWallet announces a wallet with these answers and takes it from the list.
function aWallet(answers: Answers) {
  const asked: { method: string; params?: unknown }[] = []
  const tell: Record<string, (change: unknown) => void> = {}
  const config = configFor([1, 8453])
  announce(
    { uuid: 'u', name: 'Ann', icon: 'data:image/svg+xml,<svg/>', rdns: 'example.ann' },
    {
      on: (event: string, listener: (change: unknown) => void) => (tell[event] = listener),
      removeListener: () => undefined,
      request: async (call: { method: string; params?: unknown }) => {
        asked.push(call)
        const answer = answers[call.method]
        if (!answer) throw Object.assign(new Error('no such method'), { code: -32601 })
        return answer(call.params)
      },
    },
  )
  return { wallet: walletOf(config, getConnectors(config)[0]!), asked, tell }
}

const refuses = (code: unknown) => () => Promise.reject(Object.assign(new Error('no'), { code }))
const works: Answers = { eth_chainId: () => '0x2105', eth_requestAccounts: () => [address.toLowerCase()], eth_accounts: () => [address] }

describe('a wallet of the browser', () => {
  it('connects to the first account and tells its chain', async () => {
    const { wallet } = aWallet(works)
    expect(await wallet.connect()).toBe(address)
    expect(await wallet.chainId?.()).toBe(8453)
  })

  it('signs by personal_sign over the bytes of the text', async () => {
    const { wallet, asked } = aWallet({ ...works, personal_sign: () => '0xsigned' })
    await wallet.connect()
    expect(await wallet.sign('é\n', address, soon)).toBe('0xsigned')
    expect(asked.at(-1)).toEqual({ method: 'personal_sign', params: ['0xc3a90a', address] })
  })

  it('tells when it turns to another account, and back, and signs by none but the one that was connected', async () => {
    let accounts: string[] = [address]
    const { wallet, tell } = aWallet({ ...works, eth_accounts: () => accounts, personal_sign: () => expect.unreachable() })
    await wallet.connect()
    const changes: boolean[] = []
    const stop = wallet.watch!(address, (another) => void changes.push(another))
    const turnTo = async (next: string[]) => {
      accounts = next
      tell['accountsChanged']!(next)
      await new Promise((resolve) => setTimeout(resolve))
    }
    await turnTo(['0x' + '12'.repeat(20)])
    await expect(wallet.sign('x', address, soon)).rejects.toMatchObject({ kind: 'Another' })
    await turnTo([address.toLowerCase()])
    await turnTo([])
    stop()
    expect(changes).toEqual([true, false, true])
  })

  it.each([4001, 'ACTION_REJECTED'])('takes code %s for a person who declined', async (code) => {
    await expect(aWallet({ ...works, eth_requestAccounts: refuses(code) }).wallet.connect()).rejects.toBeInstanceOf(Declined)
    const { wallet } = aWallet({ ...works, personal_sign: refuses(code) })
    await wallet.connect()
    await expect(wallet.sign('x', address, soon)).rejects.toBeInstanceOf(Declined)
  })

  it('says that a request is open already, and when there is no account', async () => {
    await expect(aWallet({ ...works, eth_requestAccounts: refuses(-32002) }).wallet.connect()).rejects.toMatchObject({ kind: 'Busy' })
    await expect(aWallet({ ...works, eth_requestAccounts: () => [] }).wallet.connect()).rejects.toMatchObject({ kind: 'NoAccount' })
    await expect(aWallet({ ...works, eth_requestAccounts: () => ['nonsense'] }).wallet.connect()).rejects.toBeInstanceOf(WalletFault)
    await expect(aWallet({}).wallet.connect()).rejects.toMatchObject({ kind: 'Failed' })
  })
})

describe('announcements (EIP-6963)', () => {
  it('list each wallet once, as often as it speaks', () => {
    const config = configFor([])
    for (const uuid of ['a', 'a', 'b']) announce({ uuid, name: uuid, icon: '', rdns: `example.${uuid}` })
    expect(getConnectors(config).map(({ name }) => name)).toEqual(['a', 'b'])
  })

  it('are bounded in what they say of themselves', () => {
    const config = configFor([])
    announce({ uuid: 'a', name: 'x'.repeat(500), icon: 'https://tracker.example/pixel.png', rdns: 'a' })
    announce({ uuid: 'b', name: '  ', icon: 'javascript:alert(1)', rdns: 'b' })
    announce({ uuid: 'c', icon: 7, rdns: 'c' })
    announce({ uuid: 'd', name: 'Dee', icon: 'data:image/png;base64,AA==', rdns: 'd' })
    const wallets = getConnectors(config).map((connector) => walletOf(config, connector))
    expect(wallets.map(({ name }) => name)).toEqual(['x'.repeat(60), '', '', 'Dee'])
    expect(wallets.map(({ icon }) => icon)).toEqual([undefined, undefined, undefined, 'data:image/png;base64,AA=='])
  })
})

describe('faultOf', () => {
  it('finds the reason below what libraries wrapped around it', () => {
    expect(faultOf(new Error('a', { cause: new Error('b', { cause: { code: 5000 } }) }))).toBeInstanceOf(Declined)
    const loop: { cause?: unknown } = {}
    loop.cause = loop
    for (const other of [null, undefined, 'x', {}, loop, new Error('y')]) expect(faultOf(other)).toMatchObject({ kind: 'Failed' })
  })
})
