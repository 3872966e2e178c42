import { isAddress, isAddressEqual, stringToHex } from 'viem'
import type { Connector } from 'wagmi'
import { WalletFault } from './types'

// Provider is what is used of the one of @walletconnect/ethereum-provider.
interface Provider {
  request(args: { method: string; params: unknown[] }, expiry: number): Promise<unknown>
}

// What WalletConnect takes as the expiry of a request, in seconds. Without one it is the least.
const leastExpiry = 5 * 60
const mostExpiry = 7 * 24 * 60 * 60

// expiryUntil returns for how many seconds a request can be answered until a time.
export function expiryUntil(expiresAt: string, now = Date.now()): number {
  const seconds = Math.ceil((Date.parse(expiresAt) - now) / 1000)
  return Math.min(Math.max(seconds, leastExpiry), mostExpiry)
}

// signUntil has the wallet sign as long as the service takes the signature: several owners of
// a contract wallet may need hours. wagmi's signMessage has no expiry.
export async function signUntil(connector: Pick<Connector, 'getAccounts' | 'getProvider'>, message: string, address: string, expiresAt: string): Promise<string> {
  const accounts = await connector.getAccounts()
  if (!isAddress(address, { strict: false }) || !accounts.some((account) => isAddressEqual(account, address))) throw new WalletFault('Another')
  const provider = (await connector.getProvider()) as Provider
  const signature = await provider.request({ method: 'personal_sign', params: [stringToHex(message), address] }, expiryUntil(expiresAt))
  if (typeof signature !== 'string') throw new WalletFault('Failed')
  return signature
}
