import { getWallets } from '@wallet-standard/app'
import { base58 } from './base58'
import type { SignInInput, StandardAccount, StandardWallet } from './solana'

// Test wallets are keys kept in the clear in this browser, see test-wallet.ts. These
// register themselves as the wallets of people do.

const storageKey = 'latchkey-test-solana-wallets'
const icon = 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4='

// textOf writes what solana:signIn signs, as the Wallet Standard has it.
export function textOf(input: SignInInput, address: string): string {
  const fields = [
    `URI: ${input.uri}`,
    `Version: ${input.version}`,
    `Chain ID: ${input.chainId}`,
    `Nonce: ${input.nonce}`,
    `Issued At: ${input.issuedAt}`,
    `Expiration Time: ${input.expirationTime}`,
    ...(input.resources ? ['Resources:', ...input.resources.map((resource) => `- ${resource}`)] : []),
  ]
  const parts = [`${input.domain} wants you to sign in with your Solana account:\n${address}`, input.statement, fields.join('\n')]
  return parts.filter((part) => part).join('\n\n')
}

async function walletOf(jwk: JsonWebKey, number: number): Promise<StandardWallet> {
  const key = await crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['sign'])
  const publicKey = Uint8Array.from(atob((jwk.x ?? '').replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
  const chains = ['solana:mainnet', 'solana:devnet', 'solana:testnet'] as const
  const account: StandardAccount = { address: base58(publicKey), publicKey, chains, features: ['solana:signIn'] }
  const signIn = async (input: SignInInput) => {
    const signedMessage = new TextEncoder().encode(textOf(input, account.address))
    return [{ account, signedMessage, signature: new Uint8Array(await crypto.subtle.sign('Ed25519', key, signedMessage)) }]
  }
  return { version: '1.0.0', name: `Solana test wallet ${number}`, icon, chains, accounts: [account], features: { 'solana:signIn': { version: '1.0.0', signIn } } }
}

function stored(): JsonWebKey[] {
  try {
    const keys: unknown = JSON.parse(localStorage.getItem(storageKey) ?? '[]')
    return Array.isArray(keys) ? (keys as JsonWebKey[]) : []
  } catch {
    return []
  }
}

let registered = 0

// registerTestWallets registers the test wallets of this browser, once.
export async function registerTestWallets(): Promise<void> {
  for (const [index, jwk] of stored().entries()) {
    if (index < registered) continue
    registered = index + 1
    try {
      getWallets().register(await walletOf(jwk, index + 1))
    } catch {
      // The storage is anyone's to edit.
    }
  }
}

// addTestWallet makes a new key, keeps it and registers its wallet.
export async function addTestWallet(): Promise<void> {
  const { privateKey } = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
  localStorage.setItem(storageKey, JSON.stringify([...stored(), await crypto.subtle.exportKey('jwk', privateKey)]))
  await registerTestWallets()
}
