import { Title } from '@mantine/core'
import {
  IconActivity,
  IconApps,
  IconArrowMerge,
  IconChartBar,
  IconCopy,
  IconDeviceLaptop,
  IconHeartbeat,
  IconKey,
  IconPlugConnected,
  IconUser,
  IconUsers,
  IconWebhook,
} from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Navigate, Route, Routes, useLocation, useParams, useSearchParams } from 'react-router'
import { api, data } from '../../api/client'
import { isProblem } from '../../api/problem'
import { keys } from '../../api/queries'
import type { User } from '../../api/types'
import { Area } from '../../components/area'
import { NotFound } from '../../components/not-found'
import { PageTitle } from '../../components/page-title'
import { Retry, Waiting } from '../../components/show'
import { SignedIn } from '../../components/signed-in'
import { useOverview } from '../../features/admin/api/overview'
import { AllTeams } from '../../features/admin/components/all-teams'
import { Audit } from '../../features/admin/components/audit'
import { Clients } from '../../features/admin/components/clients'
import { Duplicates } from '../../features/admin/components/duplicates'
import { Health } from '../../features/admin/components/health'
import { Hooks } from '../../features/admin/components/hooks'
import { Keys } from '../../features/admin/components/keys'
import { Merges } from '../../features/admin/components/merges'
import { NoOperator } from '../../features/admin/components/no-operator'
import { Overview } from '../../features/admin/components/overview'
import { Sessions } from '../../features/admin/components/sessions'
import { OneUser } from '../../features/admin/components/user'
import { Users } from '../../features/admin/components/users'
import { OneWebhook, Webhooks } from '../../features/admin/components/webhooks'
import { useT } from '../../i18n/language'
import '../../i18n/en/later/operator'

const pages = [
  { path: 'overview', label: 'operator.overview', icon: IconChartBar },
  { path: 'users', label: 'operator.users', icon: IconUser },
  { path: 'teams', label: 'operator.teams', icon: IconUsers },
  { path: 'sessions', label: 'operator.sessions', icon: IconDeviceLaptop },
  { path: 'duplicates', label: 'operator.duplicates', icon: IconCopy },
  { path: 'merges', label: 'operator.merges', icon: IconArrowMerge },
  { path: 'clients', label: 'operator.clients', icon: IconApps },
  { path: 'webhooks', label: 'operator.webhooks', icon: IconWebhook },
  { path: 'hooks', label: 'operator.hooks', icon: IconPlugConnected },
  { path: 'audit', label: 'operator.audit', icon: IconActivity },
  { path: 'api-keys', label: 'operator.keys', icon: IconKey },
  { path: 'health', label: 'operator.health', icon: IconHeartbeat },
] as const

// AdminPage is for operators of the deployment.
export default function AdminPage() {
  const t = useT()
  return (
    <SignedIn>
      {({ user }) => (
        <>
          <PageTitle>{t('shell.operator')}</PageTitle>
          <ForOperators me={user} />
        </>
      )}
    </SignedIn>
  )
}

function ForOperators({ me }: { me: User }) {
  const t = useT()
  // Whether this is an operator is asked once, for all pages.
  const may = useQuery({ queryKey: keys.admin('may'), queryFn: () => data(api.GET('/v1/admin/users', { params: { query: { limit: 1 } } })), retry: false })
  const figures = useOverview(may.isSuccess).data
  // What waits for an operator.
  const counts: Partial<Record<string, number | undefined>> = { duplicates: figures?.duplicates || undefined, webhooks: figures?.webhooks.failing || undefined }
  if (isProblem(may.error, 'operator_required')) return <NoOperator me={me} />
  if (may.error) return <Retry error={may.error} again={may.refetch} />
  if (!may.data) return <Waiting />
  return (
    <Area
      label={t('operator.navigation')}
      pages={pages.map(({ path, label, icon }) => ({ to: `/admin/${path}`, label: t(label), icon, count: counts[path] }))}
      head={
        <Title order={1} className="area-title">
          {t('operator.title')}
        </Title>
      }
    >
      <Routes>
        <Route index element={<FirstPage />} />
        <Route path="overview" element={<Overview />} />
        <Route path="teams" element={<AllTeams />} />
        <Route path="users" element={<Users me={me} />} />
        <Route path="users/:user" element={<ByID me={me} />} />
        <Route path="sessions" element={<Sessions />} />
        <Route path="duplicates" element={<Duplicates />} />
        <Route path="merges" element={<Merges />} />
        <Route path="clients" element={<Clients />} />
        <Route path="webhooks" element={<Webhooks />} />
        <Route path="webhooks/:webhook" element={<WebhookByID />} />
        <Route path="hooks" element={<Hooks />} />
        <Route path="audit" element={<Audit />} />
        <Route path="api-keys" element={<Keys />} />
        <Route path="health" element={<Health />} />
        <Route path="*" element={<NotFound />} />
      </Routes>
    </Area>
  )
}

function ByID({ me }: { me: User }) {
  const { user = '' } = useParams()
  return <OneUser key={user} id={user} me={me.id} />
}

function WebhookByID() {
  const { webhook = '' } = useParams()
  return <OneWebhook key={webhook} id={webhook} />
}

// FirstPage leads on, also from addresses of before, which named the page in the
// query.
function FirstPage() {
  const [query] = useSearchParams()
  const { state } = useLocation()
  const [user, view, team] = ['user', 'view', 'team'].map((name) => query.get(name))
  if (user) return <Navigate to={`/admin/users/${encodeURIComponent(user)}`} replace />
  const path = view === 'keys' ? 'api-keys' : (pages.find((page) => page.path === view)?.path ?? (team ? 'audit' : 'overview'))
  return <Navigate to={`/admin/${path}${team ? `?team=${encodeURIComponent(team)}` : ''}`} state={state} replace />
}
