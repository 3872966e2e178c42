import { useCallback, useState } from 'react'
import { isAddress, type Wallet } from './types'

// Test wallets are keys kept in the clear in this browser, so that a developer
// can be several people without installing anything. They exist on development
// servers only and must never hold anything of worth.
export interface TestWallet {
  name: string
  address: string
  key: `0x${string}`
}

const storageKey = 'latchkey-test-wallets'

function isTestWallet(value: unknown): value is TestWallet {
  const wallet = value as Partial<TestWallet> | null
  return typeof wallet?.name === 'string' && isAddress(wallet.address) && /^0x[0-9a-f]{64}$/.test(String(wallet.key))
}

// readTestWallets drops what it does not understand rather than failing: the
// storage is anyone's to edit.
export function readTestWallets(storage: Pick<Storage, 'getItem'>): TestWallet[] {
  try {
    const stored: unknown = JSON.parse(storage.getItem(storageKey) ?? '[]')
    return Array.isArray(stored) ? stored.filter(isTestWallet) : []
  } catch {
    return []
  }
}

// addTestWallet makes a new key and keeps it.
export async function addTestWallet(storage: Pick<Storage, 'getItem' | 'setItem'>): Promise<TestWallet> {
  // The curve's arithmetic is large, and only who uses a test wallet needs it.
  const { generatePrivateKey, privateKeyToAccount } = await import('viem/accounts')
  const key = generatePrivateKey()
  const wallets = readTestWallets(storage)
  const wallet = { name: `Test wallet ${wallets.length + 1}`, address: privateKeyToAccount(key).address, key }
  storage.setItem(storageKey, JSON.stringify([...wallets, wallet]))
  return wallet
}

export function asWallet(test: TestWallet, name = test.name): Wallet {
  return {
    id: `test:${test.address}`,
    name,
    connect: () => Promise.resolve(test.address),
    async sign(message) {
      const { privateKeyToAccount } = await import('viem/accounts')
      return privateKeyToAccount(test.key).signMessage({ message })
    },
  }
}

// useTestWallets lists this browser's test wallets and makes new ones.
export function useTestWallets() {
  const [wallets, setWallets] = useState(() => readTestWallets(localStorage))
  const add = useCallback(async () => {
    const wallet = await addTestWallet(localStorage)
    setWallets(readTestWallets(localStorage))
    return wallet
  }, [])
  return { wallets, add }
}
