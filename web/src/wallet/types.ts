import type { Identity } from '../api/types'

// Wallet is whatever can name an address and sign a text with it: a browser
// extension, the test wallet, later a phone over WalletConnect.
export interface Wallet {
  id: string
  /** As it calls itself; "" for one that does not. */
  name: string
  /** Who made it, as a domain the other way round (EIP-6963). */
  rdns?: string
  icon?: string
  /** The chain the wallet is on, if it has one. */
  chainId?(): Promise<number | undefined>
  /** Asks for an address; rejects with Declined when the person says no. */
  connect(): Promise<string>
  /**
   * personal_sign (EIP-191); rejects with Declined when the person says no. A wallet on another
   * device can answer until expiresAt (RFC 3339).
   */
  sign(message: string, address: string, expiresAt: string): Promise<string>
  /** Tells when the wallet turns to another account than this, and back; answers how to stop. */
  watch?(address: string, tell: (another: boolean) => void): () => void
}

// Declined is thrown when the person said no in the wallet. It is an answer and
// not a fault: the page goes back to where it was without a word.
export class Declined extends Error {
  constructor() {
    super('declined in the wallet')
    this.name = 'Declined'
  }
}

// WalletFault is a wallet that answered with something it should not have; the
// kind names what is said about it.
export class WalletFault extends Error {
  readonly kind: 'Busy' | 'Failed' | 'Another' | 'NoAccount' | 'NoMessage' | 'Loading'

  constructor(kind: WalletFault['kind']) {
    super(kind)
    this.name = 'WalletFault'
    this.kind = kind
  }
}

const address = /^0x[0-9a-f]{40}$/i

export function isAddress(value: unknown): value is string {
  return typeof value === 'string' && address.test(value)
}

// shortAddress keeps both ends, which is what people compare. Addresses of Solana have 32
// to 44 characters.
export function shortAddress(value: string): string {
  return value.length > 31 ? `${value.slice(0, 6)}…${value.slice(-4)}` : value
}

// walletOf is the wallet by which somebody without a name and an address is known.
export function walletOf(ways: readonly Identity[] | undefined): string | undefined {
  return ways?.find((way) => way.wallet?.primary)?.wallet?.address ?? ways?.find((way) => way.solana)?.solana?.address
}
