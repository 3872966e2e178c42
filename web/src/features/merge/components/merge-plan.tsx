import { Alert, Badge, List, Stack, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import type { MergePreview } from '../../../api/types'
import { Name } from '../../../components/show'
import { useT } from '../../../i18n/language'
import { identityName } from '../../account/methods'
import '../../../i18n/en/later/merge'
import '../../../i18n/en/later/account'

// Part is one kind of thing in the plan. What moves to the account that stays is marked;
// what ends, or stays as it is, is not.
function Part({ title, moves, children }: { title: string; moves: (at: number) => boolean; children: ReactNode[] }) {
  const t = useT()
  return (
    <div>
      <Title order={4} size="h6">
        {title}
      </Title>
      <List size="sm">
        {children.length > 0 ? (
          children.map((child, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the items hold no state
            <List.Item key={i}>
              {child}
              {moves(i) && (
                <>
                  {' '}
                  <Badge size="xs" variant="light">
                    {t('merge.movesMark')}
                  </Badge>
                </>
              )}
            </List.Item>
          ))
        ) : (
          <List.Item>{t('merge.nothing')}</List.Item>
        )}
      </List>
    </div>
  )
}

const all = () => true
const none = () => false

// Moves lists what goes from the account that ends to the one that stays.
export function Moves({ preview }: { preview: MergePreview }) {
  const t = useT()
  const { moves } = preview
  return (
    <Stack gap="xs">
      <Title order={3} size="h5">
        {t('merge.moves')}
      </Title>
      <Part title={t('merge.identities')} moves={all}>
        {moves.identities.map((identity) => (
          <Name key={identity.id}>{identityName(t, identity)}</Name>
        ))}
      </Part>
      <Part title={t('merge.emails')} moves={all}>
        {moves.emails.map((email) => (
          <Name key={email}>{email}</Name>
        ))}
      </Part>
      <Part title={t('merge.teams')} moves={(at) => !moves.teams[at]?.current_role}>
        {moves.teams.map((team) => (
          <span key={team.team_id}>
            {team.current_role && team.current_role !== team.becomes
              ? t.rich('merge.teamRises', { team: <Name>{team.team_name}</Name>, from: t(`common.${team.current_role}`), role: t(`common.${team.becomes}`) })
              : t.rich('merge.teamRole', { team: <Name>{team.team_name}</Name>, role: t(`common.${team.becomes}`) })}
          </span>
        ))}
      </Part>
      {moves.sessions_ended > 0 && (
        <Part title={t('merge.sessionsTitle')} moves={none}>
          {[t('merge.sessions', { count: moves.sessions_ended })]}
        </Part>
      )}
      {moves.invitations > 0 && (
        <Part title={t('invitations.title')} moves={none}>
          {[t('merge.invitations', { count: moves.invitations })]}
        </Part>
      )}
    </Stack>
  )
}

// Gains names the privilege that the account gets, before it has it.
export function Gains({ preview }: { preview: MergePreview }) {
  const t = useT()
  if (preview.gains.length === 0) return null
  return (
    <Alert color="orange" variant="light" title={t('merge.gains')}>
      <List size="sm">
        {preview.gains.map((gain) => (
          <List.Item key={gain.kind + (gain.team_id ?? '')}>
            {gain.kind === 'operator'
              ? t('merge.gainOperator')
              : t.rich(gain.kind === 'role' ? 'merge.gainRole' : 'merge.gainMembership', {
                  role: t(`common.${gain.role ?? 'member'}`),
                  team: <Name>{gain.team_name ?? ''}</Name>,
                })}
          </List.Item>
        ))}
      </List>
    </Alert>
  )
}
