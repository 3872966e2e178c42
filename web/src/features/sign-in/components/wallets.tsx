import { type ComponentProps, lazy, Suspense } from 'react'
import { Boundary } from '../../../components/broken'
import { Fault, Waiting } from '../../../components/show'
import { WalletFault } from '../../../wallet/types'

// What speaks to wallets is large, and comes after the page is there.
const WalletKinds = lazy(() => import('./wallet-kinds'))

// Wallets are WalletKinds once they have loaded. If they do not, the other ways
// in stay.
export function Wallets(props: ComponentProps<typeof WalletKinds>) {
  return (
    <Boundary instead={<Fault error={new WalletFault('Loading')} />}>
      <Suspense fallback={<Waiting />}>
        <WalletKinds {...props} />
      </Suspense>
    </Boundary>
  )
}
