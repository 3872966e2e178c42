import { type ComponentProps, lazy, Suspense } from 'react'
import { Boundary } from '../../../components/broken'
import { Fault, Waiting } from '../../../components/show'
import { WalletFault } from '../../../wallet/types'

// What speaks to wallets is large, and comes after the page is there.
const WalletDoors = lazy(() => import('./wallet-doors'))

// Wallets are WalletDoors once they have loaded. If they do not, the other ways
// in stay.
export function Wallets(props: ComponentProps<typeof WalletDoors>) {
  return (
    <Boundary instead={<Fault error={new WalletFault('Loading')} />}>
      <Suspense fallback={<Waiting />}>
        <WalletDoors {...props} />
      </Suspense>
    </Boundary>
  )
}
