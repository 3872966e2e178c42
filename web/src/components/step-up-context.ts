import { createContext, use, useEffect } from 'react'
import { arrivalOf, endArrival } from '../auth/arrival'

// AskStepUp has the person prove who they are once more. False: they did not
// want to. Where the proof is made elsewhere the page goes there and the promise
// stays open; the intent says what to go on with after the return, and typed is what
// the person had typed for it. Only names the providers that would do, where not
// every one does.
export type AskStepUp = (intent?: string, typed?: string, only?: string[]) => Promise<boolean>

export const StepUp = createContext<AskStepUp>(() => Promise.resolve(false))

export const useStepUp = () => use(StepUp)

const resumedBy = (intent: string | undefined) => {
  const arrival = arrivalOf('stepped_up')
  return intent !== undefined && arrival?.error === undefined && arrival?.intent === intent ? arrival : undefined
}

// typedFor is what the person had typed for this intent before the trip that this
// load is the return of.
export const typedFor = (intent: string): string => resumedBy(intent)?.typed ?? ''

// useResumed reports whether this load is the return of a person who proved at a
// provider who they are, for the sake of this intent.
export function useResumed(intent: string | undefined): boolean {
  const resumed = resumedBy(intent) !== undefined
  useEffect(() => {
    if (resumed) endArrival()
  }, [resumed])
  return resumed
}
