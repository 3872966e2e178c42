import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'
import type { Team } from '../../../api/types'
import { Section } from '../../../components/section'
import { Name, partyName } from '../../../components/show'
import { useT } from '../../../i18n/language'
import { AuditTrail } from '../../audit/components/audit-trail'
import { useMemberNames, useMembers } from './members'
import '../../../i18n/en/later/audit'

const prefixes = ['team.', 'team_session.', 'member.', 'invitation.', 'api_key.']

export function TeamAudit({ team }: { team: Team }) {
  const t = useT()
  return (
    <Section title={t('audit.title')} hint={t('audit.hintTeam')}>
      <Trail team={team} />
    </Section>
  )
}

function Trail({ team }: { team: Team }) {
  const t = useT()
  const members = useMembers(team.id)
  const nameOf = useMemberNames(team.id)
  return (
    <AuditTrail
      queryKey={keys.teamAudit(team.id)}
      fetchPage={(query) => data(api.GET('/v1/teams/{team}/audit', { params: { path: { team: team.id }, query } }))}
      exportPath={`/v1/teams/${team.id}/audit/export`}
      who={(id, party) => <Name line>{party?.display_name || party?.primary_wallet ? partyName(t, id, party) : nameOf(id)}</Name>}
      people={(members.rows ?? []).map(({ user }) => ({ value: user.id, label: nameOf(user.id) }))}
      actionPrefixes={prefixes}
    />
  )
}
