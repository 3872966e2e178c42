import { Anchor, Badge, Drawer, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useRef } from 'react'
import { Link } from 'react-router'
import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'
import type { Member, Team } from '../../../api/types'
import { providerName } from '../../../auth/providers'
import { Name, Person, personName, Retry, Time, Waiting } from '../../../components/show'
import { statusColor } from '../../../components/status'
import { useT } from '../../../i18n/language'
import { Fact, Part } from '../../sessions/components/session-drawer'
import '../../../i18n/en/later/sessions'
import '../../../i18n/en/later/team'

const shown = 20

// MemberDrawer says everything about a member, at the side of the list.
export function MemberDrawer({ team, member, onClose }: { team: Team; member: Member | undefined; onClose: () => void }) {
  const t = useT()
  // Kept while it closes.
  const last = useRef(member)
  if (member) last.current = member
  const of = last.current
  return (
    <Drawer
      opened={member !== undefined}
      onClose={onClose}
      position="right"
      size={400}
      title={of && <Name>{personName(t, of.user)}</Name>}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {of && (
        <Stack gap="lg">
          <Part title={t('team.member')}>
            <Fact name={t('team.role')}>{t(`common.${of.role}`)}</Fact>
            <Fact name={t('team.inTeamSince')}>
              <Time at={of.created_at} />
            </Fact>
            {of.user.primary_email && (
              <Fact name={t('team.email')}>
                <Name>{of.user.primary_email}</Name>
              </Fact>
            )}
            {of.user.primary_wallet && (
              <Fact name={t('team.wallet')}>
                <code className="name">{of.user.primary_wallet}</code>
              </Fact>
            )}
            <Fact name={t('sessions.user')}>
              <code className="name">{of.user.id}</code>
            </Fact>
          </Part>
          {team.role === 'member' ? <Person user={of.user} /> : <SessionsOf team={team} user={of.user.id} />}
        </Stack>
      )}
    </Drawer>
  )
}

function SessionsOf({ team, user }: { team: Team; user: string }) {
  const t = useT()
  const query = { user_id: user, status: 'active' as const, limit: shown }
  const list = useQuery({
    queryKey: [...keys.teamSessions(team.id), 'of', user],
    queryFn: async () => (await data(api.GET('/v1/teams/{team}/sessions', { params: { path: { team: team.id }, query } }))).data,
  })
  return (
    <section>
      <Text fw={600} size="sm" mb={4}>
        {t('team.sessionsOf')}
      </Text>
      {list.error && !list.data ? <Retry error={list.error} again={list.refetch} /> : !list.data && <Waiting />}
      <Stack gap="sm">
        {list.data?.length === 0 && <Text className="muted">{t('sessions.none')}</Text>}
        {list.data?.map((session) => (
          <Group key={session.id} justify="space-between" wrap="nowrap">
            <Stack gap={0} miw={0}>
              <Text size="sm" component="div">
                <Name line>{session.device || t('common.unknownDevice')}</Name>
              </Text>
              <Text size="xs" className="muted" component="div">
                <Name>{[session.place, session.ip, session.methods.map((method) => providerName(t, method)).join(', ')].filter(Boolean).join(' · ')}</Name>
              </Text>
              <Text size="xs" className="muted" component="div">
                <Time at={session.last_seen_at} />
              </Text>
            </Stack>
            <Badge variant="light" color={statusColor(session.status)} miw="max-content">
              {t(`sessions.${session.status}`)}
            </Badge>
          </Group>
        ))}
        <Group>
          <Anchor component={Link} to={`/teams/${team.id}/sessions?user=${user}`} size="sm">
            {t('team.openSessions')}
          </Anchor>
          <Anchor component={Link} to={`/teams/${team.id}/audit?user=${user}`} size="sm">
            {t('team.history')}
          </Anchor>
        </Group>
      </Stack>
    </section>
  )
}
