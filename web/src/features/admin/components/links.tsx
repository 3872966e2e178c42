import { Anchor } from '@mantine/core'
import { Link } from 'react-router'
import type { AuditParty, UserSummary } from '../../../api/types'
import { Name, partyName, personName } from '../../../components/show'
import { useT } from '../../../i18n/language'
import '../../../i18n/en/later/operator'

// TrailLink leads to what happened in a team.
export function TrailLink({ team, children, label }: { team: string; children: string; label?: string }) {
  return (
    <Anchor component={Link} to={`/admin/audit?team=${encodeURIComponent(team)}`} size="sm" title={team} {...(label ? { 'aria-label': label } : { ff: 'monospace' })}>
      {children}
    </Anchor>
  )
}

export const userPath = (id: string) => `/admin/users/${encodeURIComponent(id)}`

// UserLink leads to the whole picture of a user.
export function UserLink({ user }: { user: Pick<UserSummary, 'id' | 'display_name' | 'primary_email'> }) {
  const t = useT()
  return (
    <Anchor component={Link} to={userPath(user.id)} size="sm" aria-label={t('operator.open', { name: personName(t, user) })}>
      <Name line>{personName(t, user)}</Name>
    </Anchor>
  )
}

// Party names a user or key in a trail, with a link for a user.
export function Party({ id, party }: { id: string; party: AuditParty | undefined }) {
  const t = useT()
  const name = <Name line>{partyName(t, id, party)}</Name>
  if (party?.kind === 'api_key') return name
  return (
    <Anchor component={Link} to={userPath(id)} size="sm">
      {name}
    </Anchor>
  )
}
