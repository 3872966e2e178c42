import { Badge } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { api, data } from '../../../api/client'
import { keys, refreshTeam } from '../../../api/queries'
import type { Team } from '../../../api/types'
import { Section } from '../../../components/section'
import { personName } from '../../../components/show'
import { useT } from '../../../i18n/language'
import { SessionManager } from '../../sessions/components/session-manager'
import { useMembers } from './members'
import '../../../i18n/en/later/sessions'

export function Sessions({ team, live }: { team: Team; live: boolean }) {
  const t = useT()
  const client = useQueryClient()
  const members = useMembers(team.id)
  const path = { team: team.id }
  return (
    <Section
      title={t('sessions.title')}
      hint={t('sessions.hint')}
      action={
        <Badge variant="dot" color={live ? 'teal' : 'gray'} title={t('sessions.liveHint')} role="status">
          {t(live ? 'sessions.live' : 'sessions.notLive')}
        </Badge>
      }
    >
      <SessionManager
        inTeam
        label={t('sessions.table')}
        empty={t('sessions.nobody')}
        queryKey={keys.teamSessions(team.id)}
        members={(members.rows ?? []).map((member) => ({ value: member.user.id, label: personName(t, member.user) }))}
        fetchPage={(query) => data(api.GET('/v1/teams/{team}/sessions', { params: { path, query } }))}
        endOne={(session) => data(api.DELETE('/v1/teams/{team}/sessions/{session}', { params: { path: { ...path, session } } }))}
        endMany={(body) => data(api.POST('/v1/teams/{team}/sessions/revoke', { params: { path }, body }))}
        fetchJob={(job) => data(api.GET('/v1/teams/{team}/jobs/{job}', { params: { path: { ...path, job } } }))}
        onEnded={() => refreshTeam(client, team.id)}
        trail={(user) => `/teams/${team.id}/audit?user=${user}`}
      />
    </Section>
  )
}
