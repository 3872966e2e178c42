import { lazy, type ReactNode, Suspense, useCallback, useEffect, useRef, useState } from 'react'
import { useSession } from '../../../api/queries'
import { arrivalOf, endArrival } from '../../../auth/arrival'
import { type AskStepUp, StepUp } from '../../../components/step-up-context'

// Rarely needed, and never on the page people arrive at.
const StepUpDialog = lazy(() => import('./step-up-dialog'))

interface Request {
  intent: string | undefined
  typed?: string | undefined
  only?: string[] | undefined
  /** The code of the refusal that a proof elsewhere came back with. */
  refused?: string | undefined
}

export function StepUpProvider({ children }: { children: ReactNode }) {
  const [request, setRequest] = useState<Request | null>(() => {
    const arrival = arrivalOf('stepped_up')
    return arrival?.error ? { intent: arrival.intent, typed: arrival.typed, refused: arrival.error } : null
  })
  const answer = useRef<(proved: boolean) => void>(undefined)

  const ask = useCallback<AskStepUp>((intent, typed, only) => {
    answer.current?.(false)
    setRequest({ intent, typed, only })
    return new Promise((resolve) => (answer.current = resolve))
  }, [])
  const finish = (proved: boolean) => {
    answer.current?.(proved)
    answer.current = undefined
    if (request?.refused) endArrival()
    setRequest(null)
  }

  // A person who was signed out meanwhile has nothing to confirm.
  const signedOut = useSession().data === null && request?.refused !== undefined
  useEffect(() => {
    if (!signedOut) return
    endArrival()
    setRequest(null)
  }, [signedOut])

  return (
    <StepUp value={ask}>
      {children}
      <Suspense>{request && !signedOut && <StepUpDialog {...request} onAnswer={finish} />}</Suspense>
    </StepUp>
  )
}
