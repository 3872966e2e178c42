import type { CurrentSession, ProofResult } from '@latchkey/client'
import { fieldOf, messageFor, type WalletOptions } from './message.js'

type CaipNetworkId = `eip155:${string}`

interface MessageData {
  accountAddress: string
  chainId: CaipNetworkId
  domain: string
  uri: string
  version: string
  nonce: string
  statement?: string
  resources?: string[]
  issuedAt?: string
  expirationTime?: string
}

interface SignedMessage {
  data: MessageData
  message: string
  signature: string
}

/** The `siwx` of createAppKit: an SIWXConfig of @reown/appkit. */
export interface LatchkeySIWX {
  createMessage(input: { accountAddress: string; chainId: string }): Promise<MessageData & { toString(): string }>
  addSession(session: { message: string; signature: string }): Promise<void>
  revokeSession(chainId: string, address: string): Promise<void>
  setSessions(sessions: { message: string; signature: string }[]): Promise<void>
  getSessions(chainId: string, address: string): Promise<SignedMessage[]>
  getRequired(): boolean
  signOutOnDisconnect: boolean
}

export interface SIWXOptions extends WalletOptions {
  /** Whether the wallet is disconnected if the person does not sign. The default is true. */
  required?: boolean | undefined
  /** Whether disconnecting the wallet signs out. The default is false: a person can have other sign-in methods. */
  signOutOnDisconnect?: boolean | undefined
  /** Called with the session, once the signature was verified. */
  onSignIn?: ((result: ProofResult) => void) | undefined
  /** Called with a LatchkeyError: AppKit shows only that it failed. */
  onError?: ((error: unknown) => void) | undefined
}

/**
 * createLatchkeySIWX lets AppKit sign in at Latchkey. The service writes the messages (EIP-4361). It refuses those of
 * AppKit's own messenger, which do not follow EIP-4361.
 */
export function createLatchkeySIWX({ required = true, signOutOnDisconnect = false, onSignIn, onError, ...options }: SIWXOptions): LatchkeySIWX {
  const { client } = options

  async function verify({ message, signature }: { message: string; signature: string }): Promise<void> {
    try {
      const result = await client.siwe.verify({ message, signature })
      onSignIn?.(result)
    } catch (error) {
      onError?.(error)
      throw error
    }
  }

  // belongs reports whether the session was made with this wallet, or belongs to a person who has linked it.
  async function belongs(session: CurrentSession, address: string, chainId: number): Promise<boolean> {
    const is = (wallet: { address: string; chain_id: number; kind: string } | undefined) =>
      wallet !== undefined && wallet.address.toLowerCase() === address.toLowerCase() && (wallet.kind !== 'contract' || wallet.chain_id === chainId)
    if (is(session.identity?.wallet)) return true
    const linked = await client.me.identities.list({ limit: 100 })
    return linked.data.some((identity) => is(identity.wallet))
  }

  async function signOutOf(address?: string): Promise<void> {
    const session = await client.session.get()
    const wallet = session?.identity?.wallet
    // Disconnecting a wallet does not end a session of another sign-in method.
    if (wallet && (address === undefined || wallet.address.toLowerCase() === address.toLowerCase())) await client.session.signOut()
  }

  return {
    signOutOnDisconnect,
    getRequired: () => required,
    async createMessage({ accountAddress, chainId: caip }) {
      // WalletConnect's one-step authentication does not know the account yet, and writes the message itself.
      const { nonce, message } = await messageFor(options, accountAddress || undefined, caip === '' ? undefined : chainOf(caip))
      const field = (name: string) => fieldOf(message, name) ?? ''
      const [domain = ''] = message.split(' wants you to sign in', 1)
      const statement = statementOf(message)
      const resources = resourcesOf(message)
      const expirationTime = fieldOf(message, 'Expiration Time')
      return {
        accountAddress,
        chainId: `eip155:${field('Chain ID')}`,
        domain,
        uri: field('URI'),
        version: field('Version'),
        nonce,
        issuedAt: field('Issued At'),
        ...(expirationTime === undefined ? {} : { expirationTime }),
        ...(statement === undefined ? {} : { statement }),
        ...(resources.length === 0 ? {} : { resources }),
        toString: () => message,
      }
    },
    addSession: verify,
    async setSessions([first]) {
      // Messages for several chains share a nonce, which works once; the account is the same.
      if (first) await verify(first)
      else await signOutOf()
    },
    revokeSession: (_, address) => signOutOf(address),
    async getSessions(caip, address) {
      const session = await client.session.get()
      if (!session || !(await belongs(session, address, chainOf(caip)))) return []
      const data = { accountAddress: address, chainId: caip as CaipNetworkId, domain: '', uri: '', version: '1', nonce: '', issuedAt: session.session.created_at }
      return [{ data, message: '', signature: '' }]
    },
  }
}

function chainOf(caip: string): number {
  const [, id] = /^eip155:(\d+)$/.exec(caip) ?? []
  if (id === undefined) throw new Error(`Latchkey signs in with Ethereum accounts (eip155), not with ${caip}`)
  return Number(id)
}

function statementOf(message: string): string | undefined {
  return /^.*\n.*\n\n(.+)\n\nURI: /.exec(message)?.[1]
}

function resourcesOf(message: string): string[] {
  const [, list] = message.split('\nResources:\n', 2)
  return list?.split('\n').map((line) => line.slice('- '.length)) ?? []
}
