import { type ComponentProps, lazy, Suspense } from 'react'
import { Boundary } from '../../../components/broken'
import { Fault, Waiting } from '../../../components/show'
import { WalletFault } from '../../../wallet/types'

// What speaks to wallets is large, and comes after the page is there.
const WalletChooser = lazy(() => import('./wallet-chooser'))

// Wallets are WalletChooser once they have loaded. If they do not, the other ways
// in stay.
export function Wallets(props: ComponentProps<typeof WalletChooser>) {
  return (
    <Boundary instead={<Fault error={new WalletFault('Loading')} />}>
      <Suspense fallback={<Waiting />}>
        <WalletChooser {...props} />
      </Suspense>
    </Boundary>
  )
}
