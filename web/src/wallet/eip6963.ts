import { useSyncExternalStore } from 'react'
import { type Eip1193, injectedWallet } from './eip1193'
import type { Wallet } from './types'

// Wallets of the browser announce themselves (EIP-6963). What they say of
// themselves is shown, so it is bounded here.
interface Announcement {
  info: { uuid: string; name: string; icon: string; rdns: string }
  provider: Eip1193
}

const longestName = 60

function readAnnouncement(detail: unknown): Wallet | undefined {
  const { info, provider } = (detail ?? {}) as Partial<Announcement>
  if (typeof info?.uuid !== 'string' || typeof info.name !== 'string' || typeof provider?.request !== 'function') return
  // The standard asks for a data: image; anything else would be a request to a
  // place of the wallet's choosing.
  const icon = typeof info.icon === 'string' && info.icon.startsWith('data:image/') ? info.icon : undefined
  return injectedWallet(info.uuid, info.name.trim().slice(0, longestName) || 'Unnamed wallet', icon, provider)
}

// createWalletStore collects announcements from target and tells listeners.
export function createWalletStore(target: EventTarget) {
  let wallets: readonly Wallet[] = []
  const listeners = new Set<() => void>()
  let asked = false

  const onAnnounce = (event: Event) => {
    const wallet = readAnnouncement((event as CustomEvent<unknown>).detail)
    if (!wallet || wallets.some((known) => known.id === wallet.id)) return
    wallets = [...wallets, wallet]
    for (const listener of listeners) listener()
  }

  return {
    get: () => wallets,
    subscribe(listener: () => void) {
      listeners.add(listener)
      if (!asked) {
        asked = true
        target.addEventListener('eip6963:announceProvider', onAnnounce)
        target.dispatchEvent(new Event('eip6963:requestProvider'))
      }
      return () => void listeners.delete(listener)
    },
  }
}

let store: ReturnType<typeof createWalletStore> | undefined

// useInjectedWallets lists the wallets of this browser, as they announce
// themselves.
export function useInjectedWallets(): readonly Wallet[] {
  store ??= createWalletStore(window)
  return useSyncExternalStore(store.subscribe, store.get)
}
