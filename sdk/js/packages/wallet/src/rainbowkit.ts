import type { ProofResult } from '@latchkey/client'
import { getAddress } from 'viem'
import { messageFor, type WalletOptions, withAccount } from './message.js'

export interface AdapterOptions extends WalletOptions {
  /** Called with the session, once the signature was verified. */
  onSignIn?: ((result: ProofResult) => void) | undefined
  /** Called with a LatchkeyError: RainbowKit shows only that it failed. */
  onError?: ((error: unknown) => void) | undefined
}

/** The `adapter` of RainbowKitAuthenticationProvider. */
export interface LatchkeyAdapter {
  getNonce(): Promise<string>
  createMessage(account: { nonce: string; address: string; chainId: number }): string
  getMessageBody(signed: { message: string }): string
  verify(signed: { message: string; signature: string }): Promise<boolean>
  signOut(): Promise<void>
}

/** createLatchkeyAdapter lets RainbowKit sign in at Latchkey. */
export function createLatchkeyAdapter({ onSignIn, onError, ...options }: AdapterOptions): LatchkeyAdapter {
  // RainbowKit asks for the nonce first, and only then knows the account.
  const drafts = new Map<string, string>()
  return {
    async getNonce() {
      const { nonce, message } = await messageFor(options)
      drafts.clear()
      drafts.set(nonce, message)
      return nonce
    },
    createMessage({ nonce, address, chainId }) {
      const draft = drafts.get(nonce)
      if (draft === undefined) throw new Error('this nonce is not the latest one')
      return withAccount(draft, getAddress(address), chainId)
    },
    getMessageBody: ({ message }) => message,
    async verify({ message, signature }) {
      try {
        const result = await options.client.siwe.verify({ message, signature })
        onSignIn?.(result)
        return true
      } catch (error) {
        onError?.(error)
        return false
      }
    },
    signOut: () => options.client.session.signOut(),
  }
}
