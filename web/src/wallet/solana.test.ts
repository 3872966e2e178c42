import { describe, expect, it } from 'vitest'
import { base58 } from './base58'
import { type Challenge, type StandardAccount, type StandardWallet, solanaWalletOf } from './solana'
import { textOf } from './solana-test'
import { Declined, WalletFault } from './types'

const input = {
  domain: 'id.example.com',
  uri: 'https://id.example.com',
  version: '1',
  chainId: 'solana:mainnet',
  nonce: 'abcdefgh12345678',
  issuedAt: '2026-03-01T12:00:00Z',
  expirationTime: '2026-03-01T12:10:00Z',
}
const account: StandardAccount = { address: 'So11111111111111111111111111111111111111112', publicKey: new Uint8Array(32), chains: ['solana:mainnet'], features: [] }
const signature = new Uint8Array(64).fill(7)

function wallet(features: Record<string, unknown>, chains: readonly string[] = ['solana:mainnet']): StandardWallet {
  return { version: '1.0.0', name: ' Test ', icon: 'data:image/png;base64,', chains, accounts: [], features } as unknown as StandardWallet
}

const challenge = (address?: string): Promise<Challenge> => Promise.resolve({ input, ...(address && { message: `for ${address}` }) })
const encode = (text: string) => new TextEncoder().encode(text)

describe('a wallet of the Wallet Standard', () => {
  it('signs in with what the service asks for, and returns what it signed', async () => {
    let asked: unknown
    const signIn = (given: unknown) => {
      asked = given
      return Promise.resolve([{ account, signedMessage: encode('tëxt'), signature }])
    }
    const found = solanaWalletOf(wallet({ 'solana:signIn': { version: '1.0.0', signIn } }), 'id')
    expect(found?.name).toBe('Test')
    expect(await found?.sign(challenge)).toEqual({ message: 'tëxt', signature: btoa(String.fromCharCode(...signature)) })
    expect(asked).toEqual(input)
  })

  it('connects and signs the message where it has no signIn', async () => {
    const connect = () => Promise.resolve({ accounts: [{ ...account, chains: ['aptos:mainnet'] }, account] })
    const signMessage = ({ message }: { message: Uint8Array }) => Promise.resolve([{ signedMessage: message, signature }])
    const found = solanaWalletOf(wallet({ 'standard:connect': { connect }, 'solana:signMessage': { signMessage } }), 'id')
    expect((await found?.sign(challenge))?.message).toBe(`for ${account.address}`)
    const none = solanaWalletOf(wallet({ 'standard:connect': { connect: () => Promise.resolve({ accounts: [] }) }, 'solana:signMessage': { signMessage } }), 'id')
    await expect(none?.sign(challenge)).rejects.toEqual(new WalletFault('NoAccount'))
  })

  it('is left out if it cannot prove a Solana account', () => {
    expect(solanaWalletOf(wallet({}), 'id')).toBeUndefined()
    expect(solanaWalletOf(wallet({ 'solana:signMessage': {} }), 'id')).toBeUndefined()
    expect(solanaWalletOf(wallet({ 'solana:signIn': {} }, ['sui:mainnet']), 'id')).toBeUndefined()
  })

  it.each([
    [{ code: 4001 }, Declined],
    [new Error('User rejected the request.'), Declined],
    [new Error('out of memory'), WalletFault],
    [undefined, WalletFault],
  ])('says no or fails: %s', async (thrown, kind) => {
    const found = solanaWalletOf(wallet({ 'solana:signIn': { signIn: () => Promise.reject(thrown as Error) } }), 'id')
    await expect(found?.sign(challenge)).rejects.toBeInstanceOf(kind)
  })
})

describe('the test wallet', () => {
  it('writes the text as the Wallet Standard has it', () => {
    const text =
      'id.example.com wants you to sign in with your Solana account:\nA\n\nI accept.\n\nURI: https://id.example.com\nVersion: 1\nChain ID: solana:mainnet\nNonce: abcdefgh12345678\nIssued At: 2026-03-01T12:00:00Z\nExpiration Time: 2026-03-01T12:10:00Z'
    expect(textOf({ ...input, statement: 'I accept.' }, 'A')).toBe(text)
    expect(textOf({ ...input, resources: ['https://a.example'] }, 'A')).toBe(text.replace('I accept.\n\n', '') + '\nResources:\n- https://a.example')
  })

  it.each([
    [[], ''],
    [[0, 0], '11'],
    [[0, 1], '12'],
    [[255, 255], 'LUv'],
  ])('writes %j in base 58', (bytes, text) => {
    expect(base58(Uint8Array.from(bytes))).toBe(text)
  })
})

it('what announces itself as a wallet and is none is left out', () => {
  for (const odd of [{}, { name: 'x' }, { name: 'x', icon: 'data:image/png,', chains: 'solana:' }, { name: 'x', icon: 1, chains: [], features: {} }]) {
    expect(solanaWalletOf(odd as unknown as Parameters<typeof solanaWalletOf>[0], 'x')).toBeUndefined()
  }
})
