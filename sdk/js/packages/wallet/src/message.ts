import type { Client, Purpose } from '@latchkey/client'

/** The options of every way to sign in with a wallet. */
export interface WalletOptions {
  client: Client
  /** `link` adds the wallet to the account that is signed in, `step_up` verifies them again. The default is to sign in. */
  purpose?: Purpose | undefined
}

// The service writes the message. While the account is not known, it writes one for this address, which is then
// replaced.
const placeholder = '0x0000000000000000000000000000000000000000'

/** messageFor returns an EIP-4361 message to sign. Without an address, withAccount sets it later. */
export async function messageFor({ client, purpose }: WalletOptions, address?: string, chainId?: number): Promise<{ nonce: string; message: string }> {
  const challenge = await client.siwe.challenge({
    address: address ?? placeholder,
    ...(chainId === undefined ? {} : { chain_id: chainId }),
    ...(purpose === undefined ? {} : { purpose }),
  })
  if (challenge.message === undefined) throw new Error('Latchkey sent no message')
  return { nonce: challenge.nonce, message: challenge.message }
}

/** withAccount sets the account and the chain of a message. The address must have the checksum of EIP-55. */
export function withAccount(message: string, address: string, chainId: number): string {
  return message.replace(`\n${placeholder}\n`, `\n${address}\n`).replace(/^(Version: 1\nChain ID: )\d+$/m, `$1${chainId}`)
}

/** fieldOf returns a field of a message, such as `Issued At`. */
export function fieldOf(message: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)$`, 'm').exec(message.slice(message.indexOf('\nURI: ')))?.[1]
}
