import { describe, expect, it, vi } from 'vitest'
import { hex, injectedWallet } from './eip1193'
import { createWalletStore } from './eip6963'
import { Declined, WalletFault } from './types'

const address = '0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B'

function wallet(request: (call: { method: string; params?: unknown[] }) => Promise<unknown>) {
  return injectedWallet('id', 'Wallet', undefined, { request })
}

describe('an injected wallet', () => {
  it('signs by personal_sign over the bytes of the text', async () => {
    const request = vi.fn(() => Promise.resolve('0xsigned'))
    expect(await wallet(request).sign('é\n', address)).toBe('0xsigned')
    expect(request).toHaveBeenCalledWith({ method: 'personal_sign', params: ['0xc3a90a', address] })
    expect(hex('')).toBe('0x')
  })

  it.each([4001, 'ACTION_REJECTED'])('takes code %s for a person who declined', async (code) => {
    const refusing = wallet(() => Promise.reject(Object.assign(new Error('no'), { code })))
    await expect(refusing.connect()).rejects.toBeInstanceOf(Declined)
    await expect(refusing.sign('x', address)).rejects.toBeInstanceOf(Declined)
  })

  it('says that a request is open already', async () => {
    await expect(wallet(() => Promise.reject({ code: -32002 })).connect()).rejects.toThrow('Busy')
  })

  it.each([[[]], [null], [['nonsense']], [[{}]], ['0x']])('refuses accounts that are none: %j', async (accounts) => {
    await expect(wallet(() => Promise.resolve(accounts)).connect()).rejects.toBeInstanceOf(WalletFault)
  })

  it('reads the chain, and nothing that is no chain', async () => {
    expect(await wallet(() => Promise.resolve('0x2105')).chainId?.()).toBe(8453)
    expect(await wallet(() => Promise.resolve('what')).chainId?.()).toBeUndefined()
    expect(await wallet(() => Promise.resolve(1)).chainId?.()).toBeUndefined()
  })
})

describe('announcements (EIP-6963)', () => {
  const provider = { request: () => Promise.resolve(null) }
  const announce = (target: EventTarget, info: object, by: unknown = provider) =>
    target.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail: { info, provider: by } }))

  it('asks, lists each wallet once and tells listeners', () => {
    const target = new EventTarget()
    const store = createWalletStore(target)
    const icon = 'data:image/svg+xml,<svg/>'
    target.addEventListener('eip6963:requestProvider', () => announce(target, { uuid: 'a', name: 'Ann', icon, rdns: 'x' }))
    const listener = vi.fn()
    store.subscribe(listener)
    announce(target, { uuid: 'a', name: 'Ann again', icon, rdns: 'x' })
    announce(target, { uuid: 'b', name: 'Bob', icon, rdns: 'y' })
    expect(store.get().map(({ id, name, icon }) => ({ id, name, icon }))).toEqual([
      { id: 'a', name: 'Ann', icon },
      { id: 'b', name: 'Bob', icon },
    ])
    expect(listener).toHaveBeenCalledTimes(2)
  })

  it('bounds what wallets say of themselves', () => {
    const target = new EventTarget()
    const store = createWalletStore(target)
    store.subscribe(() => undefined)
    announce(target, { uuid: 'a', name: 'x'.repeat(500), icon: 'https://tracker.example/pixel.png' })
    announce(target, { uuid: 'b', name: '  ', icon: 'javascript:alert(1)' })
    announce(target, { uuid: 3, name: 'no id' })
    announce(target, { uuid: 'c', name: 'no provider' }, {})
    target.dispatchEvent(new CustomEvent('eip6963:announceProvider'))
    expect(store.get()).toHaveLength(2)
    expect(store.get()[0]?.name).toHaveLength(60)
    expect(store.get()[1]?.name).toBe('Unnamed wallet')
    expect(store.get().every((one) => one.icon === undefined)).toBe(true)
  })
})
