import { getWallets } from '@wallet-standard/app'
import { useEffect, useState } from 'react'
import { Declined, WalletFault } from './types'

export type StandardWallet = ReturnType<ReturnType<typeof getWallets>['get']>[number]
export type StandardAccount = StandardWallet['accounts'][number]

// SignInInput is what solana:signIn takes. The service fills in all that it checks.
export interface SignInInput {
  domain: string
  address?: string
  statement?: string
  uri: string
  version: string
  chainId: string
  nonce: string
  issuedAt: string
  expirationTime: string
  resources?: string[]
}

// Challenge is what the service asks a wallet to sign; message is there if it knows the
// address.
export interface Challenge {
  input: SignInInput
  message?: string
}

// Signed is what the service takes: the text as it was signed, and base 64.
export interface Signed {
  message: string
  signature: string
}

export interface SolanaWallet {
  id: string
  /** As it calls itself; "" for one that does not. */
  name: string
  icon?: string
  /** Has a challenge signed; rejects with Declined when the person says no. */
  sign(challenge: (address?: string) => Promise<Challenge>): Promise<Signed>
}

interface Output {
  signedMessage: Uint8Array
  signature: Uint8Array
}

interface SignInFeature {
  signIn(...inputs: SignInInput[]): Promise<readonly Output[]>
}

interface SignMessageFeature {
  signMessage(...inputs: { account: StandardAccount; message: Uint8Array }[]): Promise<readonly Output[]>
}

interface ConnectFeature {
  connect(): Promise<{ accounts: readonly StandardAccount[] }>
}

const isSolana = (chain: string) => chain.startsWith('solana:')
const longestName = 60

// asked is what a wallet answers. Wallets have no code in common for a person who says no.
async function asked<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request()
  } catch (thrown) {
    if (thrown instanceof WalletFault) throw thrown
    const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown }
    throw code === 4001 || /reject|declin|denied|cancel|closed/i.test(String(message)) ? new Declined() : new WalletFault('Failed')
  }
}

function signedOf(outputs: readonly Output[]): Signed {
  const output = outputs[0]
  if (!output) throw new WalletFault('Failed')
  // Bytes that are no text are refused here, and by the service.
  const message = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(output.signedMessage)
  return { message, signature: btoa(String.fromCharCode(...output.signature)) }
}

// solanaWalletOf speaks to a wallet of the Wallet Standard: by solana:signIn, or by
// solana:signMessage where a wallet has only that. It returns undefined for one that
// cannot prove a Solana account.
export function solanaWalletOf(wallet: StandardWallet, id: string): SolanaWallet | undefined {
  // Any script can announce itself as a wallet, as anything.
  if (typeof wallet.name !== 'string' || typeof wallet.icon !== 'string' || !Array.isArray(wallet.chains) || !wallet.features) return undefined
  const features = wallet.features as Record<string, unknown>
  const signIn = features['solana:signIn'] as SignInFeature | undefined
  const signMessage = features['solana:signMessage'] as SignMessageFeature | undefined
  const connect = features['standard:connect'] as ConnectFeature | undefined
  if (!wallet.chains.some(isSolana) || !(signIn ?? (signMessage && connect))) return undefined
  return {
    id,
    name: wallet.name.trim().slice(0, longestName),
    ...(wallet.icon.startsWith('data:image/') ? { icon: wallet.icon } : {}),
    async sign(challenge) {
      if (signIn) {
        const { input } = await challenge()
        return signedOf(await asked(() => signIn.signIn(input)))
      }
      const account = await asked(async () => (await connect!.connect()).accounts.find((one) => one.chains.some(isSolana)))
      if (!account) throw new WalletFault('NoAccount')
      const { message } = await challenge(account.address)
      if (message === undefined) throw new WalletFault('NoMessage')
      return signedOf(await asked(() => signMessage!.signMessage({ account, message: new TextEncoder().encode(message) })))
    },
  }
}

// useSolanaWallets lists the wallets of this browser as they register themselves.
export function useSolanaWallets(): readonly SolanaWallet[] {
  const [wallets, setWallets] = useState<readonly SolanaWallet[]>([])
  useEffect(() => {
    const { get, on } = getWallets()
    const list = () => setWallets(get().flatMap((wallet, index) => solanaWalletOf(wallet, `${index}:${wallet.name}`) ?? []))
    const stop = [on('register', list), on('unregister', list)]
    list()
    return () => {
      for (const end of stop) end()
    }
  }, [])
  return wallets
}
