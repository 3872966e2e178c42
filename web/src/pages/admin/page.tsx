import { Stack, Tabs, Title } from '@mantine/core'
import { useSearchParams } from 'react-router'
import { SignedIn } from '../../components/signed-in'
import { PageTitle } from '../../components/page-title'
import { useT } from '../../i18n/language'
import { Sessions } from './sessions'
import { Users } from './users'

// AdminPage is for operators of the deployment. Which list is open stands in the
// address, so that it can be passed on.
export default function AdminPage() {
  const t = useT()
  const [query, setQuery] = useSearchParams()
  const view = query.get('view') === 'sessions' ? 'sessions' : 'users'
  return (
    <SignedIn>
      {({ user }) => (
        <Stack gap="lg">
          <PageTitle>{t('shell.operator')}</PageTitle>
          <Title order={1}>Operator</Title>
          <Tabs value={view} onChange={(chosen) => setQuery(chosen === 'sessions' ? { view: chosen } : {})} keepMounted={false}>
            <Tabs.List>
              <Tabs.Tab value="users">Users</Tabs.Tab>
              <Tabs.Tab value="sessions">Sessions</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="users" pt="lg">
              <Users me={user} />
            </Tabs.Panel>
            <Tabs.Panel value="sessions" pt="lg">
              <Sessions me={user} />
            </Tabs.Panel>
          </Tabs>
        </Stack>
      )}
    </SignedIn>
  )
}
