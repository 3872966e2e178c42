import type { ReactNode } from 'react'
import { Navigate, useLocation } from 'react-router'
import { useSession } from '../api/queries'
import type { CurrentSession } from '../api/types'
import { Retry, WaitingPage } from './show'

// SignedIn shows a page to who is signed in, and sends others to sign in and
// back.
export function SignedIn({ children }: { children: (session: CurrentSession) => ReactNode }) {
  const session = useSession()
  const { pathname, search, state } = useLocation() as { pathname: string; search: string; state: unknown }
  if (session.data) return children(session.data)
  if (session.data === null) return <Navigate to={`/sign-in?return_to=${encodeURIComponent(pathname + search)}`} state={state} replace />
  return session.error ? <Retry error={session.error} again={session.refetch} /> : <WaitingPage />
}
