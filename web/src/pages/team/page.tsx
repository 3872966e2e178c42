import { Anchor, Badge, Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from 'react-router'
import { api, data } from '../../api/client'
import { isProblem, type Problem } from '../../api/problem'
import { keys } from '../../api/queries'
import type { CurrentSession, Team } from '../../api/types'
import { NotFound } from '../../components/not-found'
import { PageTitle } from '../../components/page-title'
import { Fault, Name, Waiting } from '../../components/show'
import { SignedIn } from '../../components/signed-in'
import { readID } from '../../features/sessions/filters'
import { useTeamEvents } from '../../features/team/api/live'
import { APIKeys } from '../../features/team/components/api-keys'
import { TeamAudit } from '../../features/team/components/audit'
import { Enter } from '../../features/team/components/enter'
import { Invitations } from '../../features/team/components/invitations'
import { Members } from '../../features/team/components/members'
import { Policy } from '../../features/team/components/policy'
import { Refused } from '../../features/team/components/refused'
import { Sessions } from '../../features/team/components/sessions'
import { useT } from '../../i18n/language'
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
  const manages = team.data.role !== 'member'
  return (
    <Stack gap="xl">
      <PageTitle>{team.data.name}</PageTitle>
      <Fault error={team.error} />
      <Group justify="space-between" align="flex-start">
        <Stack gap={4} flex="1 1 16rem" miw={0}>
          <Title order={1} lineClamp={3}>
            <Name>{team.data.name}</Name>
          </Title>
          <Group gap="xs">
            <Text className="muted">{t('team.youAre')}</Text>
            <Badge variant="light">{t(`common.${team.data.role}`)}</Badge>
          </Group>
        </Stack>
        <Enter team={team.data} session={session} />
      </Group>
      {manages ? <Sessions team={team.data} /> : <MembersOnly team={id} />}
      <Members team={team.data} me={session.user.id} />
      {manages && <Invitations team={team.data} />}
      {manages && <Policy team={team.data} />}
      {manages && <APIKeys team={team.data} />}
      {manages && <TeamAudit team={team.data} />}
    </Stack>
  )
}

// MembersOnly says who sees the sessions, and hears when the reader becomes one of
// them, or is out.
function MembersOnly({ team }: { team: string }) {
  const t = useT()
  useTeamEvents(team)
  return <Text className="muted">{t('team.membersOnly')}</Text>
}
