import { Declined, isAddress, type Wallet, WalletFault } from './types'

// Eip1193 is what wallets inject into a page (EIP-1193).
export interface Eip1193 {
  request(call: { method: string; params?: unknown[] }): Promise<unknown>
}

// The person said no: 4001 by EIP-1193; ethers-based wallets send a word.
const declined = new Set<unknown>([4001, 'ACTION_REJECTED'])
// A request is open already, in a window of the wallet that may be hidden.
const pending = -32002

async function ask(provider: Eip1193, method: string, params: unknown[] = []): Promise<unknown> {
  try {
    return await provider.request({ method, params })
  } catch (cause) {
    const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
    if (declined.has(code)) throw new Declined()
    if (code === pending) throw new WalletFault('Busy')
    throw new WalletFault('Failed')
  }
}

// hex is the form in which personal_sign takes a text: its UTF-8 bytes.
export function hex(text: string): string {
  return '0x' + Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

// injectedWallet speaks to a wallet of the browser.
export function injectedWallet(id: string, name: string, icon: string | undefined, provider: Eip1193): Wallet {
  return {
    id,
    name,
    ...(icon === undefined ? {} : { icon }),
    async chainId() {
      const answer = await ask(provider, 'eth_chainId')
      const chain = typeof answer === 'string' ? Number.parseInt(answer, 16) : Number.NaN
      return Number.isSafeInteger(chain) && chain > 0 ? chain : undefined
    },
    async connect() {
      const accounts = await ask(provider, 'eth_requestAccounts')
      const first: unknown = Array.isArray(accounts) ? accounts[0] : undefined
      if (!isAddress(first)) throw new WalletFault('NoAccount')
      return first
    },
    async sign(message, address) {
      const signature = await ask(provider, 'personal_sign', [hex(message), address])
      if (typeof signature !== 'string') throw new WalletFault('Failed')
      return signature
    },
  }
}
