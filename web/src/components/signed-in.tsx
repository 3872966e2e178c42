import { type ReactNode, useEffect, useRef } from 'react'
import { Navigate, useLocation } from 'react-router'
import { useSession } from '../api/queries'
import type { CurrentSession } from '../api/types'
import type { Done } from './done'
import { Retry, WaitingPage } from './show'

// SignedIn shows a page to who is signed in, and sends others to sign in and
// back.
export function SignedIn({ children }: { children: (session: CurrentSession) => ReactNode }) {
  const session = useSession()
  const { pathname, search, state } = useLocation() as { pathname: string; search: string; state: Partial<Done> | null }
  const lastSeen = useRef(0)
  useEffect(() => {
    if (session.data) lastSeen.current = session.dataUpdatedAt
  }, [session.data, session.dataUpdatedAt])
  if (session.data) return children(session.data)
  if (session.data === null) {
    // The sign-in page shows what was done only if it ended the session.
    const show = state?.at !== undefined && lastSeen.current > state.at
    return <Navigate to={`/sign-in?return_to=${encodeURIComponent(pathname + search)}`} state={show ? null : state} replace />
  }
  return session.error ? <Retry error={session.error} again={session.refetch} /> : <WaitingPage />
}
