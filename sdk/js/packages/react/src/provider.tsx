import { createContext, type ReactNode, useContext, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { announce, onAnnounced, setBasePath } from './actions.js'
import type { Session } from './session.js'
import { type Known, SessionStore, type Status } from './store.js'

export type { Status }

export interface SessionState extends Known {
  /** Asks Latchkey for the user's present claims, and has the other tabs ask again. */
  update(): Promise<Session | null>
}

const Context = createContext<SessionState | undefined>(undefined)

export interface LatchkeyProviderProps {
  /** What `await auth()` returned on the server. Left out, or undefined because the server could not say: it is fetched. */
  session?: Session | null | undefined
  /** Where the handlers are. Default: /api/auth. */
  basePath?: string
  children: ReactNode
}

// A server has no layout, and warns about its effects.
const useEffectBeforePaint = typeof document === 'undefined' ? useEffect : useLayoutEffect

// LatchkeyProvider keeps who is signed in. It asks again when the window gets the focus, and
// when another tab signed in or out.
export function LatchkeyProvider({ session, basePath = '/api/auth', children }: LatchkeyProviderProps) {
  setBasePath(basePath)
  const [store] = useState(() => new SessionStore(session))
  const state = useSyncExternalStore(store.subscribe, store.snapshot, store.snapshot)

  // The server renders again, such as after an action.
  const rendered = useRef<Session | null | undefined>(session)
  useEffectBeforePaint(() => {
    if (rendered.current === session) return
    rendered.current = session
    store.take(session)
  }, [store, session])

  useEffect(() => {
    const check = () => store.check()
    const onVisible = () => document.visibilityState === 'visible' && check()
    if (store.snapshot().status === 'loading') check()
    const stop = onAnnounced(check)
    document.addEventListener('visibilitychange', onVisible)
    addEventListener('focus', check)
    return () => {
      stop()
      document.removeEventListener('visibilitychange', onVisible)
      removeEventListener('focus', check)
    }
  }, [store])

  const value = useMemo<SessionState>(() => {
    const update = async () => {
      const found = await store.update()
      announce()
      return found
    }
    return { ...state, update }
  }, [state, store])
  return <Context value={value}>{children}</Context>
}

// useSession returns who is signed in.
export function useSession(): SessionState {
  const state = useContext(Context)
  if (!state) throw new Error('useSession needs <LatchkeyProvider> around it')
  return state
}
