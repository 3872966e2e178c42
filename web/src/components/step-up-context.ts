import { createContext, use } from 'react'
import type { PendingLink } from '../auth/pending'

// AskStepUp has the person prove who they are once more. False: they did not
// want to. Where the proof is made elsewhere the page goes there and the promise
// stays open; link says what to go on with after the return.
export type AskStepUp = (link?: PendingLink['provider']) => Promise<boolean>

export const StepUp = createContext<AskStepUp>(() => Promise.resolve(false))

export const useStepUp = () => use(StepUp)
