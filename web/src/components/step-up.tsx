import { lazy, type ReactNode, Suspense, useCallback, useRef, useState } from 'react'
import { type AskStepUp, StepUp } from './step-up-context'

// Rarely needed, and never on the page people arrive at.
const StepUpDialog = lazy(() => import('./step-up-dialog'))

export function StepUpProvider({ children }: { children: ReactNode }) {
  const [request, setRequest] = useState<{ link: string | undefined } | null>(null)
  const answer = useRef<(proved: boolean) => void>(undefined)

  const ask = useCallback<AskStepUp>((link) => {
    answer.current?.(false)
    setRequest({ link })
    return new Promise((resolve) => (answer.current = resolve))
  }, [])
  const finish = (proved: boolean) => {
    answer.current?.(proved)
    answer.current = undefined
    setRequest(null)
  }

  return (
    <StepUp value={ask}>
      {children}
      <Suspense>{request && <StepUpDialog link={request.link} onAnswer={finish} />}</Suspense>
    </StepUp>
  )
}
