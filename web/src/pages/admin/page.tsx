import { Stack, Tabs, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useSearchParams } from 'react-router'
import { api, data } from '../../api/client'
import { isProblem } from '../../api/problem'
import { keys } from '../../api/queries'
import type { User } from '../../api/types'
import { PageTitle } from '../../components/page-title'
import { Retry, Waiting } from '../../components/show'
import { SignedIn } from '../../components/signed-in'
import { Audit } from '../../features/admin/components/audit'
import { Clients } from '../../features/admin/components/clients'
import { Duplicates } from '../../features/admin/components/duplicates'
import { Health } from '../../features/admin/components/health'
import { Keys } from '../../features/admin/components/keys'
import { Merges } from '../../features/admin/components/merges'
import { NoOperator } from '../../features/admin/components/no-operator'
import { Sessions } from '../../features/admin/components/sessions'
import { OneUser } from '../../features/admin/components/user'
import { Users } from '../../features/admin/components/users'
import { useT } from '../../i18n/language'
import '../../i18n/en/later/operator'

const views = ['users', 'duplicates', 'sessions', 'merges', 'audit', 'keys', 'clients', 'health'] as const
type View = (typeof views)[number]

// AdminPage is for operators of the deployment. The open tab is part of the
// address, so that it can be shared.
export default function AdminPage() {
  const t = useT()
  return (
    <SignedIn>
      {({ user }) => (
        <Stack gap="lg">
          <PageTitle>{t('shell.operator')}</PageTitle>
          <Title order={1}>{t('operator.title')}</Title>
          <ForOperators me={user} />
        </Stack>
      )}
    </SignedIn>
  )
}

function ForOperators({ me }: { me: User }) {
  const t = useT()
  const [query, setQuery] = useSearchParams()
  const view = views.find((known) => known === query.get('view')) ?? 'users'
  const user = query.get('user')
  // Whether this is an operator is asked once, for all views.
  const may = useQuery({ queryKey: keys.admin('may'), queryFn: () => data(api.GET('/v1/admin/users', { params: { query: { limit: 1 } } })), retry: false })
  if (isProblem(may.error, 'operator_required')) return <NoOperator me={me} />
  if (may.error) return <Retry error={may.error} again={may.refetch} />
  if (!may.data) return <Waiting />
  const shown: Record<View, React.ReactNode> = {
    users: user ? <OneUser key={user} id={user} me={me.id} /> : <Users me={me} />,
    duplicates: <Duplicates />,
    sessions: <Sessions />,
    merges: <Merges />,
    audit: <Audit />,
    keys: <Keys />,
    clients: <Clients />,
    health: <Health />,
  }
  return (
    <Tabs value={view} onChange={(chosen) => setQuery(chosen && chosen !== 'users' ? { view: chosen } : {})} keepMounted={false}>
      <Tabs.List>
        {views.map((name) => (
          <Tabs.Tab key={name} value={name}>
            {t(`operator.${name}`)}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {views.map((name) => (
        <Tabs.Panel key={name} value={name} pt="lg">
          {name === view && shown[name]}
        </Tabs.Panel>
      ))}
    </Tabs>
  )
}
