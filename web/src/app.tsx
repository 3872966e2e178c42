import { lazy, Suspense } from 'react'
import { Route, Routes } from 'react-router'
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
const AdminPage = lazy(() => import('./pages/admin/page'))
const ConsentPage = lazy(() => import('./pages/consent/page'))
const SignOutPage = lazy(() => import('./pages/sign-out/page'))
const DocsPage = lazy(() => import('./pages/docs/page'))

export function App() {
  return (
    <StepUpProvider>
      <Shell>
        <Broken>
          <Suspense fallback={<WaitingPage />}>
            <Routes>
              <Route path="/" element={<HomePage />} />
              <Route path="/sign-in" element={<SignInPage />} />
              <Route path="/account/*" element={<AccountPage />} />
              <Route path="/teams/:team/*" element={<TeamPage />} />
              <Route path="/admin/*" element={<AdminPage />} />
              <Route path="/consent" element={<ConsentPage />} />
              <Route path="/sign-out" element={<SignOutPage />} />
              <Route path="/docs" element={<DocsPage />} />
              <Route path="*" element={<NotFound />} />
            </Routes>
          </Suspense>
        </Broken>
      </Shell>
    </StepUpProvider>
  )
}
