import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useRef, useState } from 'react'
import { knownIdentities, refreshPerson } from '../../api/queries'
import type { Identity, Session } from '../../api/types'
import { type Arrival, arrivalOf, endArrival } from '../../auth/arrival'
import { linkIntent } from '../../auth/pending'
import { providerName } from '../../auth/providers'
import { isFresh } from '../../auth/step-up'
import { wordsForCode, wordsForError } from '../../auth/words'
import { useStepUp } from '../../components/step-up-context'
import { useT } from '../../i18n/language'
import type { Translate, Words } from '../../i18n/translate'
import { leaveForProvider } from '../sign-in/api/begin'
import { lastProved } from './methods'
import '../../i18n/en/later/account'

interface Notice {
  words: Words
  kind: 'error' | 'done'
}

const firstLink = { title: 'methods.linkedTitle', text: 'methods.linkedText' } as const
const linkedBefore = { title: 'methods.linkedBeforeTitle', text: 'methods.linkedBeforeText' } as const

// doneNotice says that a provider is linked, or was linked before: the service
// accepts both, and the current identities show which it was.
function doneNotice(t: Translate, provider: string, ways: Identity[]): Notice {
  const words = lastProved(ways, provider)?.isNew === false ? linkedBefore : firstLink
  return { words: { title: t(words.title, { provider: providerName(t, provider) }), text: t(words.text) }, kind: 'done' }
}

// noticeOf returns how a link at a provider ended. It shows success only for what
// this tab asked for; the list of identities is right in any case. A ticket is
// shown as a merge instead.
export function noticeOf(t: Translate, arrival: Arrival | undefined, ways: Identity[]): Notice | undefined {
  if (arrival?.kind !== 'linked') return undefined
  if (arrival.error === undefined) return arrival.intent === linkIntent(arrival.provider) ? doneNotice(t, arrival.provider, ways) : undefined
  if (arrival.ticket !== undefined || (arrival.error === 'reauth_required' && arrival.intent)) return undefined
  return { words: wordsForCode(t, arrival.error, 'link'), kind: 'error' }
}

// useLinking takes a person to a provider to link it, over a step-up where the
// session is no longer fresh, and reads what comes back. What is linked on the page
// itself has something to open, by its provider.
export function useLinking(session: Session, ways: Identity[] | undefined, here: Readonly<Record<string, (provider: string) => void>>) {
  const t = useT()
  const client = useQueryClient()
  const stepUp = useStepUp()
  const [arrived, setArrived] = useState(() => arrivalOf('linked'))
  const [notice, setNotice] = useState<Notice>()
  useEffect(() => {
    if (!arrived || (!ways && !arrived.error)) return
    setArrived(undefined)
    setNotice(noticeOf(t, arrived, ways ?? []))
  }, [t, arrived, ways])

  // Only a failure to leave is heard of here.
  const leaveToLink = useCallback(
    (provider: string) => {
      leaveForProvider(provider, 'link', '/account?linked=' + encodeURIComponent(provider), { intent: linkIntent(provider) }).catch((error: unknown) => {
        const words = wordsForError(t, error, 'link')
        if (words) setNotice({ words, kind: 'error' })
      })
    },
    [t],
  )

  const opens = useRef(here)
  opens.current = here
  const go = useCallback((provider: string) => (opens.current[provider] ?? leaveToLink)(provider), [leaveToLink])

  const confirmThenLink = useCallback(
    async (provider: string) => {
      if (!(await stepUp(linkIntent(provider)))) return
      go(provider)
    },
    [stepUp, go],
  )

  useEffect(() => {
    const linked = arrivalOf('linked')
    const confirmed = arrivalOf('stepped_up')
    if (linked) {
      endArrival()
      if (linked.error === 'reauth_required' && linked.intent === linkIntent(linked.provider)) void confirmThenLink(linked.provider)
    } else if (confirmed?.error === undefined && confirmed?.intent?.startsWith(linkIntent(''))) {
      // Fresh again: go on with what was left for it.
      endArrival()
      const provider = confirmed.intent.slice(linkIntent('').length)
      go(provider)
    }
  }, [confirmThenLink, go])

  return {
    notice,
    // linkRedirect goes to a provider. The look at the clock only spares a trip:
    // the service decides, and a refusal comes back in the address.
    linkRedirect(provider: string) {
      if (isFresh(session)) leaveToLink(provider)
      else void confirmThenLink(provider)
    },
    async linked(provider: string) {
      await refreshPerson(client)
      setNotice(doneNotice(t, provider, knownIdentities(client)))
    },
    // What it says may not hold any more.
    forget: () => setNotice(undefined),
  }
}
