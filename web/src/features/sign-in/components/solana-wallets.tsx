import { type ComponentProps, lazy, Suspense } from 'react'
import { Boundary } from '../../../components/broken'
import { Fault, Waiting } from '../../../components/show'
import { WalletFault } from '../../../wallet/types'

const SolanaChooser = lazy(() => import('./solana-chooser'))

// SolanaWallets are SolanaChooser once it has loaded. If it does not, the other methods
// stay.
export function SolanaWallets(props: ComponentProps<typeof SolanaChooser>) {
  return (
    <Boundary instead={<Fault error={new WalletFault('Loading')} />}>
      <Suspense fallback={<Waiting />}>
        <SolanaChooser {...props} />
      </Suspense>
    </Boundary>
  )
}
