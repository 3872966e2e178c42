import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react'
import { announce, getSession, onAnnounced, setBasePath, Unavailable } from './actions.js'
import type { Session } from './session.js'

/** `unavailable`: the server cannot say. No one is shown as signed in, and no one as signed out. */
export type Status = 'loading' | 'authenticated' | 'unauthenticated' | 'unavailable'

export interface SessionState {
  data: Session | null
  status: Status
  /** Asks Latchkey for the user's present claims, and tells the other tabs. */
  update(): Promise<Session | null>
}

const Context = createContext<SessionState | undefined>(undefined)

export interface LatchkeyProviderProps {
  /** What `await auth()` returned on the server. Left out: it is fetched. */
  session?: Session | null
  /** Where the handlers are. Default: /api/auth. */
  basePath?: string
  children: ReactNode
}

type Known = Pick<SessionState, 'data' | 'status'>

function known(session: Session | null | undefined): Known {
  return { data: session ?? null, status: session === undefined ? 'loading' : session ? 'authenticated' : 'unauthenticated' }
}

// LatchkeyProvider keeps who is signed in. It asks again when the window gets the focus, and
// when another tab signed in or out.
export function LatchkeyProvider({ session, basePath = '/api/auth', children }: LatchkeyProviderProps) {
  setBasePath(basePath)
  const [given, setGiven] = useState(session)
  const [state, setState] = useState(() => known(session))
  // Only the latest answer counts.
  const asked = useRef(0)
  // The server rendered again, such as after an action.
  if (given !== session) {
    setGiven(session)
    setState(known(session))
  }

  const ask = useCallback(async (method: 'GET' | 'POST' = 'GET') => {
    const turn = ++asked.current
    try {
      const found = await getSession(method)
      if (turn === asked.current) setState(known(found))
      return found
    } catch (error) {
      // What fails on the way, such as offline, says nothing.
      if (turn === asked.current && error instanceof Unavailable) setState({ data: null, status: 'unavailable' })
      throw error
    }
  }, [])

  const missing = session === undefined
  useEffect(() => {
    const again = () => void ask().catch(() => undefined)
    const onVisible = () => document.visibilityState === 'visible' && again()
    if (missing) again()
    const stop = onAnnounced(again)
    document.addEventListener('visibilitychange', onVisible)
    addEventListener('focus', again)
    return () => {
      stop()
      document.removeEventListener('visibilitychange', onVisible)
      removeEventListener('focus', again)
    }
  }, [ask, missing])

  const value = useMemo<SessionState>(() => {
    const update = async () => {
      const found = await ask('POST')
      announce()
      return found
    }
    return { ...state, update }
  }, [state, ask])
  return <Context value={value}>{children}</Context>
}

// useSession returns who is signed in.
export function useSession(): SessionState {
  const state = useContext(Context)
  if (!state) throw new Error('useSession needs <LatchkeyProvider> around it')
  return state
}
