import { lazy, Suspense } from 'react'
import { Route, Routes } from 'react-router'
import { isProblem } from './api/problem'
import { useSession } from './api/queries'
import { Broken } from './components/broken'
import { NotFound } from './components/not-found'
import { Shell } from './components/shell'
import { WaitingPage } from './components/show'
import { StepUpProvider } from './features/sign-in/components/step-up'
import { SignInPage } from './pages/sign-in/page'

// The page people arrive at comes with the first load; the others when they are
// opened.
const HomePage = lazy(() => import('./pages/home/page'))
const AccountPage = lazy(() => import('./pages/account/page'))
const TeamPage = lazy(() => import('./pages/team/page'))
const LeavingPage = lazy(() => import('./pages/leaving/page'))
const DeletedPage = lazy(async () => ({ default: (await import('./pages/leaving/page')).DeletedPage }))
const AdminPage = lazy(() => import('./pages/admin/page'))
const ConsentPage = lazy(() => import('./pages/consent/page'))
const DevicePage = lazy(() => import('./pages/device/page'))
const SignOutPage = lazy(() => import('./pages/sign-out/page'))
const DocsPage = lazy(() => import('./pages/docs/page'))

export function App() {
  // A person who is leaving can do nothing but come back.
  const leaving = isProblem(useSession().error, 'deletion_pending')
  return (
    <StepUpProvider>
      <Shell>
        <Broken>
          <Suspense fallback={<WaitingPage />}>
            {leaving ? (
              <LeavingPage />
            ) : (
              <Routes>
                <Route path="/" element={<HomePage />} />
                <Route path="/sign-in" element={<SignInPage />} />
                <Route path="/account/deleted" element={<DeletedPage />} />
                <Route path="/account/*" element={<AccountPage />} />
                <Route path="/teams/:team/*" element={<TeamPage />} />
                <Route path="/admin/*" element={<AdminPage />} />
                <Route path="/consent" element={<ConsentPage />} />
                <Route path="/device" element={<DevicePage />} />
                <Route path="/sign-out" element={<SignOutPage />} />
                <Route path="/docs" element={<DocsPage />} />
                <Route path="*" element={<NotFound />} />
              </Routes>
            )}
          </Suspense>
        </Broken>
      </Shell>
    </StepUpProvider>
  )
}
