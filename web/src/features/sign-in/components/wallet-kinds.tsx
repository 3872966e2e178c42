import { Stack } from '@mantine/core'
import { useProviders } from '../../../api/queries'
import { solanaProvider } from '../../../auth/providers'
import { isAddress } from '../../../wallet/types'
import { SolanaWallets } from './solana-wallets'
import WalletChooser, { type WalletProps } from './wallet-chooser'

// WalletKinds offers Ethereum wallets and, where the service has them, Solana wallets;
// for a step-up those kinds that the person has.
export default function WalletKinds(props: WalletProps) {
  const solana = useProviders().data?.find((provider) => provider.name === solanaProvider)
  const { purpose, only, onDone, onTicket } = props
  return (
    <Stack gap="lg">
      {(!only || only.some(isAddress)) && <WalletChooser {...props} />}
      {solana && purpose !== 'link' && (!only || only.some((address) => !isAddress(address))) && (
        <SolanaWallets purpose={purpose} provider={solana} onDone={onDone} {...(onTicket && { onTicket })} />
      )}
    </Stack>
  )
}
