import { Badge, Button, Stack } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useChange } from '../../../api/change'
import { api, data } from '../../../api/client'
import { refreshTeam } from '../../../api/queries'
import type { CurrentSession, Team } from '../../../api/types'
import { Fault } from '../../../components/show'
import { useT } from '../../../i18n/language'
import '../../../i18n/en/later/team'

// Enter makes the session in hand a session of the team.
export function Enter({ team, session }: { team: Team; session: CurrentSession }) {
  const t = useT()
  const client = useQueryClient()
  const enter = useChange({
    mutationFn: () => data(api.POST('/v1/teams/{team}/sessions', { params: { path: { team: team.id } } })),
    // The page shows a refusal by a new policy, with what would satisfy it.
    onSettled: () => refreshTeam(client, team.id),
  })
  if (session.team_session?.team_id === team.id && session.team_session.status === 'active') {
    return (
      <Badge size="lg" color="teal" variant="light" role="status">
        {t('team.inTeam')}
      </Badge>
    )
  }
  return (
    <Stack gap="xs" align="flex-end">
      <Button loading={enter.isPending} onClick={() => enter.mutate()}>
        {t('team.enter')}
      </Button>
      <Fault error={enter.error} />
    </Stack>
  )
}
