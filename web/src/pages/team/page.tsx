import { Anchor, Badge, Group, Stack, Text, Title } from '@mantine/core'
import { IconActivity, IconApi, IconChartBar, IconDeviceLaptop, IconListDetails, IconSend, IconSettings, IconUsers } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, Navigate, Route, Routes, useParams } from 'react-router'
import { api, data } from '../../api/client'
import { isProblem, type Problem } from '../../api/problem'
import { keys } from '../../api/queries'
import type { CurrentSession, Team } from '../../api/types'
import { Area } from '../../components/area'
import { NotFound } from '../../components/not-found'
import { PageTitle } from '../../components/page-title'
import { Fault, Name, Waiting } from '../../components/show'
import { SignedIn } from '../../components/signed-in'
import { readID } from '../../features/sessions/filters'
import { useTeamEvents } from '../../features/team/api/live'
import { useOverview } from '../../features/team/api/overview'
import { APIKeys } from '../../features/team/components/api-keys'
import { TeamAudit } from '../../features/team/components/audit'
import { Enter } from '../../features/team/components/enter'
import { Invitations } from '../../features/team/components/invitations'
import { Members } from '../../features/team/components/members'
import { Overview } from '../../features/team/components/overview'
import { Policy } from '../../features/team/components/policy'
import { Refused } from '../../features/team/components/refused'
import { Sessions } from '../../features/team/components/sessions'
import { Settings } from '../../features/team/components/settings'
import { useT } from '../../i18n/language'
import '../../i18n/en/later/audit'
import '../../i18n/en/later/sessions'
import '../../i18n/en/later/team'

export default function TeamPage() {
  const { team = '' } = useParams()
  if (!readID(team)) return <NotFound />
  return <SignedIn>{(session) => <Loaded key={team} id={team} session={session} />}</SignedIn>
}

// admitted answers the team, or why its policy does not admit this session: that
// is an answer to show, also while it is asked for again.
async function admitted(id: string): Promise<Team | Problem> {
  try {
    return await data(api.GET('/v1/teams/{team}', { params: { path: { team: id } } }))
  } catch (error) {
    if (isProblem(error, 'policy_unsatisfied')) return error
    throw error
  }
}

function Loaded({ id, session }: { id: string; session: CurrentSession }) {
  const t = useT()
  const team = useQuery({
    queryKey: keys.team(id),
    queryFn: () => admitted(id),
  })
  // What is shown stays while the service cannot be asked, with what was typed and
  // a key that is shown this once; a refusal ends it.
  const away = isProblem(team.error) && (team.error.status === 0 || team.error.status >= 500)
  if (team.error && !(away && team.data)) {
    return (
      <Stack align="flex-start">
        <Fault error={team.error} />
        <Anchor component={Link} to="/">
          {t('team.yourTeams')}
        </Anchor>
      </Stack>
    )
  }
  if (!team.data) return <Waiting />
  if (isProblem(team.data)) return <Refused id={id} error={team.data} again={team.refetch} />
  return <Pages team={team.data} session={session} error={team.error} />
}

function Pages({ team, session, error }: { team: Team; session: CurrentSession; error: unknown }) {
  const t = useT()
  const live = useTeamEvents(team.id)
  const figures = useOverview(team).data
  const manages = team.role !== 'member'
  const at = (page: string) => `/teams/${team.id}/${page}`
  const pages = [
    { to: at('overview'), label: t('team.overview'), icon: IconChartBar },
    ...(manages ? [{ to: at('sessions'), label: t('sessions.title'), icon: IconDeviceLaptop, count: figures?.sessions }] : []),
    { to: at('members'), label: t('team.members'), icon: IconUsers, count: figures?.members },
    ...(manages
      ? [
          { to: at('invitations'), label: t('team.invitations'), icon: IconSend, count: figures?.invitations || undefined },
          { to: at('policy'), label: t('policy.title'), icon: IconListDetails },
          { to: at('api-keys'), label: t('team.keys'), icon: IconApi },
          { to: at('audit'), label: t('audit.title'), icon: IconActivity },
        ]
      : []),
    { to: at('settings'), label: t('team.settings'), icon: IconSettings },
  ]
  const head = (
    <>
      <PageTitle>{team.name}</PageTitle>
      <Fault error={error} />
      <Group justify="space-between" gap="sm">
        <Group gap="xs" flex="1 1 14rem" miw={0} wrap="nowrap">
          <Title order={1} className="area-title" lineClamp={2}>
            <Name>{team.name}</Name>
          </Title>
          <Badge variant="light" style={{ flex: 'none' }} aria-label={`${t('team.youAre')}: ${t(`common.${team.role}`)}`}>
            {t(`common.${team.role}`)}
          </Badge>
        </Group>
        <Enter team={team} session={session} />
      </Group>
    </>
  )
  return (
    <Area label={t('team.navigation')} pages={pages} head={head}>
      <Routes>
        <Route index element={<Navigate to={at('overview')} replace />} />
        <Route path="overview" element={<Overview team={team} />} />
        <Route path="members" element={<Members team={team} me={session.user.id} />} />
        <Route path="settings" element={<Settings team={team} me={session.user.id} />} />
        {manages && (
          <>
            <Route path="sessions" element={<Sessions team={team} live={live} />} />
            <Route path="invitations" element={<Invitations team={team} />} />
            <Route path="policy" element={<Policy team={team} />} />
            <Route path="api-keys" element={<APIKeys team={team} />} />
            <Route path="audit" element={<TeamAudit team={team} />} />
          </>
        )}
        <Route path="*" element={manages ? <NotFound /> : <Text className="muted">{t('team.membersOnly')}</Text>} />
      </Routes>
    </Area>
  )
}
