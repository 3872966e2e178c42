import type { Config } from 'wagmi'
import { walletConnect } from 'wagmi/connectors/walletConnect'
import { brand } from '../brand'
import { signUntil } from './expiry'
import type { Wallet } from './types'
import { ask, walletOf } from './wagmi'

// phoneWallet speaks to a wallet on another device by WalletConnect. Its address
// for the code to scan goes to onUri, as often as there is a new one. Once the
// text is signed the connection has no use and is ended.
export function phoneWallet(config: Config, projectId: string, onUri: (uri: string) => void): Wallet {
  // As wagmi's own connect does with a connector that is not in the list yet:
  // in the list it would load and phone home with the page.
  const connector = config._internal.connectors.setup(
    walletConnect({
      projectId,
      showQrModal: false,
      telemetryEnabled: false,
      metadata: { name: brand.name, description: '', url: location.origin, icons: [new URL(brand.logo, location.origin).href] },
    }),
  )
  connector.emitter.on('message', ({ type, data }) => {
    if (type === 'display_uri' && typeof data === 'string') onUri(data)
  })
  return {
    ...walletOf(config, connector),
    async sign(message, address, expiresAt) {
      const signature = await ask(() => signUntil(connector, message, address, expiresAt))
      await connector.disconnect().catch(() => undefined)
      return signature
    },
  }
}
