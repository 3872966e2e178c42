import { useMemo, useSyncExternalStore } from 'react'
import { custom, defineChain } from 'viem'
import { type Config, type Connector, createConfig } from 'wagmi'
import { getConnectors, signMessage, watchConnectors } from 'wagmi/actions'
import { Declined, isAddress, type Wallet, WalletFault } from './types'

// The person said no: 4001 by EIP-1193, 5000 by CAIP-25 (WalletConnect); wallets
// based on ethers send a word.
const declined = new Set<unknown>([4001, 5000, 'ACTION_REJECTED'])
// A request is open already, in a window of the wallet that may be hidden.
const pending = -32002

// faultOf reads what a wallet threw, which libraries on the way may have wrapped.
export function faultOf(thrown: unknown): Declined | WalletFault {
  for (let cause = thrown, depth = 0; typeof cause === 'object' && cause !== null && depth < 8; depth++) {
    if (cause instanceof WalletFault) return cause
    const { code, name, cause: next } = cause as { code?: unknown; name?: unknown; cause?: unknown }
    if (declined.has(code)) return new Declined()
    if (code === pending) return new WalletFault('Busy')
    if (name === 'ConnectorAccountNotFoundError') return new WalletFault('Another')
    cause = next
  }
  return new WalletFault('Failed')
}

export async function ask<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request()
  } catch (thrown) {
    throw faultOf(thrown)
  }
}

const longestName = 60

// walletOf speaks to a wallet through its connector. What a wallet says of
// itself is shown, so it is bounded: EIP-6963 asks for a data: image, and
// anything else would be a request to a place of the wallet's choosing.
export function walletOf(config: Config, connector: Connector): Wallet {
  const icon: unknown = connector.icon
  return {
    id: connector.uid,
    name: String(connector.name ?? '')
      .trim()
      .slice(0, longestName),
    rdns: connector.id.slice(0, longestName),
    ...(typeof icon === 'string' && icon.startsWith('data:image/') ? { icon } : {}),
    chainId: () => connector.getChainId(),
    connect: () =>
      ask(async () => {
        const { accounts } = await connector.connect()
        const first: unknown = accounts[0]
        if (!isAddress(first)) throw new WalletFault('NoAccount')
        return first
      }),
    sign: (message, address) => ask(() => signMessage(config, { connector, account: address as `0x${string}`, message })),
    watch(address, tell) {
      const change = ({ accounts }: { accounts?: readonly string[] | undefined }) => accounts && tell(accounts[0]?.toLowerCase() !== address.toLowerCase())
      const gone = () => tell(true)
      // The first change is a "connect" to wagmi, which has connected nothing itself.
      connector.emitter.on('connect', change)
      connector.emitter.on('change', change)
      connector.emitter.on('disconnect', gone)
      return () => {
        connector.emitter.off('connect', change)
        connector.emitter.off('change', change)
        connector.emitter.off('disconnect', gone)
      }
    },
  }
}

// configFor makes wagmi's configuration: the accepted chains, nothing kept in
// the browser, and no way to a chain, for all that is done here is signing.
export function configFor(chainIds: readonly number[]): Config {
  const chains = (chainIds.length > 0 ? chainIds : [1]).map((id) =>
    defineChain({ id, name: String(id), nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [] } } }),
  )
  const none = custom({ request: () => Promise.reject(new Error('no chain is asked here')) })
  return createConfig({
    chains: chains as [(typeof chains)[number], ...typeof chains],
    transports: Object.fromEntries(chains.map((chain) => [chain.id, none])),
    storage: null,
  })
}

const configs = new Map<string, Config>()

export function sharedConfig(chainIds: readonly number[] = []): Config {
  const key = chainIds.join()
  const config = configs.get(key) ?? configFor(chainIds)
  configs.set(key, config)
  return config
}

// useInjectedWallets lists the wallets of this browser, as they announce
// themselves (EIP-6963).
export function useInjectedWallets(chainIds: readonly number[] | undefined): readonly Wallet[] {
  const config = sharedConfig(chainIds)
  const connectors = useSyncExternalStore(
    (onChange) => watchConnectors(config, { onChange }),
    () => getConnectors(config),
  )
  return useMemo(() => connectors.map((connector) => walletOf(config, connector)), [config, connectors])
}
