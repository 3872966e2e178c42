import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useRef, useState } from 'react'
import { useSearchParams } from 'react-router'
import { keys } from '../../api/queries'
import type { Session } from '../../api/types'
import { savePending, takePending } from '../../auth/pending'
import { providerName, startUrl, walletProvider } from '../../auth/providers'
import { readReturn, type Returned } from '../../auth/returned'
import { isFresh } from '../../auth/step-up'
import { useStepUp } from '../../components/step-up-context'

function leaveToLink(provider: string) {
  savePending({ provider, leg: 'link' })
  location.assign(startUrl(provider, 'link', '/account?linked=' + encodeURIComponent(provider)))
}

// useLinking takes a person to a provider to link it, over a step-up where the
// session is no longer fresh, and reads what comes back. Wallets are linked on
// the page itself: openWallets shows them.
export function useLinking(session: Session, openWallets: () => void) {
  const [query, setQuery] = useSearchParams()
  const [notice, setNotice] = useState<Returned['notice']>()
  const client = useQueryClient()
  const stepUp = useStepUp()
  const read = useRef(false)

  const confirmThenLink = useCallback(
    async (provider: string) => {
      if (await stepUp(provider)) leaveToLink(provider)
    },
    [stepUp],
  )

  useEffect(() => {
    // Once a visit: reading forgets.
    if (read.current) return
    read.current = true
    const returned = readReturn(query, takePending(), providerName)
    // The outcome, and a ticket most of all, should not stay in the history.
    if (query.size > 0) setQuery({}, { replace: true })
    if (returned.notice) setNotice(returned.notice)
    if (returned.goOnWith === walletProvider) openWallets()
    else if (returned.goOnWith) leaveToLink(returned.goOnWith)
    if (returned.stepUpFor) void confirmThenLink(returned.stepUpFor)
  }, [query, setQuery, confirmThenLink, openWallets])

  return {
    notice,
    // linkRedirect goes to a provider. The look at the clock only spares a trip:
    // the service decides, and a refusal comes back in the address.
    linkRedirect(provider: string) {
      if (isFresh(session)) leaveToLink(provider)
      else void confirmThenLink(provider)
    },
    async linked(provider: string) {
      setNotice({ words: { title: `${providerName(provider)} is linked`, text: 'From now on you can sign in with it.' }, kind: 'done' })
      await Promise.all([client.invalidateQueries({ queryKey: keys.mine }), client.invalidateQueries({ queryKey: keys.session })])
    },
  }
}
