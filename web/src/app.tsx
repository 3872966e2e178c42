import { Anchor, Stack, Text, Title } from '@mantine/core'
import { lazy, Suspense } from 'react'
import { Link, Route, Routes } from 'react-router'
import { Shell } from './components/shell'
import { Waiting } from './components/show'
import { StepUpProvider } from './components/step-up'
import { HomePage } from './pages/home/page'
import { SignInPage } from './pages/sign-in/page'

// The two pages people arrive at come with the first load; the others when they
// are opened.
const AccountPage = lazy(() => import('./pages/account/page'))
const TeamPage = lazy(() => import('./pages/team/page'))
const AdminPage = lazy(() => import('./pages/admin/page'))
const DocsPage = lazy(() => import('./pages/docs/page'))

function NotFound() {
  return (
    <Stack>
      <Title>There is no such page</Title>
      <Text>
        Go to the <Anchor component={Link} to="/">first page</Anchor>.
      </Text>
    </Stack>
  )
}

export function App() {
  return (
    <StepUpProvider>
      <Shell>
        <Suspense fallback={<Waiting />}>
          <Routes>
            <Route path="/" element={<HomePage />} />
            <Route path="/sign-in" element={<SignInPage />} />
            <Route path="/account" element={<AccountPage />} />
            <Route path="/teams/:team" element={<TeamPage />} />
            <Route path="/admin" element={<AdminPage />} />
            <Route path="/docs" element={<DocsPage />} />
            <Route path="*" element={<NotFound />} />
          </Routes>
        </Suspense>
      </Shell>
    </StepUpProvider>
  )
}
