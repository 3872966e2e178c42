import { Button } from '@mantine/core'
import { useState } from 'react'
import { api, data } from '../../api/client'
import { keys } from '../../api/queries'
import type { Team } from '../../api/types'
import { AuditTrail } from '../../components/audit-trail'
import { Section } from '../../components/section'
import { Name, personName } from '../../components/show'
import { useT } from '../../i18n/language'
import { useMembers } from './members'

const prefixes = ['team.', 'team_session.', 'member.', 'invitation.']

export function TeamAudit({ team }: { team: Team }) {
  const t = useT()
  const [shown, setShown] = useState(false)
  return (
    <Section title={t('audit.title')} hint={t('audit.hintTeam')}>
      {shown ? (
        <Trail team={team} />
      ) : (
        <Button variant="default" style={{ alignSelf: 'flex-start' }} onClick={() => setShown(true)}>
          {t('audit.show')}
        </Button>
      )}
    </Section>
  )
}

function Trail({ team }: { team: Team }) {
  const t = useT()
  const members = useMembers(team.id)
  const names = new Map((members.rows ?? []).map((member) => [member.user.id, personName(t, member.user)]))
  return (
    <AuditTrail
      queryKey={keys.teamAudit(team.id)}
      fetchPage={(query) => data(api.GET('/v1/teams/{team}/audit', { params: { path: { team: team.id }, query } }))}
      exportPath={`/v1/teams/${team.id}/audit/export`}
      who={(id) => <Name line>{names.get(id) ?? t('common.person', { id: id.slice(-6) })}</Name>}
      people={[...names].map(([value, label]) => ({ value, label }))}
      actionPrefixes={prefixes}
    />
  )
}
