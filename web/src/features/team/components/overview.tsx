import { Anchor, Paper, Progress, SimpleGrid, Stack, Text } from '@mantine/core'
import { Link } from 'react-router'
import type { components } from '../../../api/schema.gen'
import type { Team } from '../../../api/types'
import { providerName } from '../../../auth/providers'
import { Figures } from '../../../components/figures'
import { LazyDays } from '../../../components/lazy-days'
import { Section } from '../../../components/section'
import { Retry, Waiting } from '../../../components/show'
import { useT } from '../../../i18n/language'
import { useOverview } from '../api/overview'
import '../../../i18n/en/later/team'

// Overview says in numbers how a team is; to members, who sees more.
export function Overview({ team }: { team: Team }) {
  const t = useT()
  const manages = team.role !== 'member'
  const figures = useOverview(team)
  if (!manages) {
    return (
      <Section title={t('team.overview')}>
        <Text className="muted">{t('team.membersOnly')}</Text>
        <Anchor component={Link} to={`/teams/${team.id}/members`}>
          {t('team.members')}
        </Anchor>
      </Section>
    )
  }
  if (figures.error && !figures.data) return <Retry error={figures.error} again={figures.refetch} />
  return (
    <Section title={t('team.overview')} hint={t('team.overviewHint')} bare>
      {figures.data ? <Numbers team={team} of={figures.data} /> : <Waiting />}
    </Section>
  )
}

function Numbers({ team, of }: { team: Team; of: components['schemas']['TeamOverview'] }) {
  const t = useT()
  const at = (page: string) => `/teams/${team.id}/${page}`
  const most = Math.max(1, ...of.providers.map(({ count }) => count))
  return (
    <Stack>
      <Figures
        label={t('team.overview')}
        figures={[
          { label: t('team.members'), count: of.members, note: t('team.openInvitationsCount', { count: of.invitations }), to: at('members') },
          { label: t('team.activeNow'), count: of.active_now, note: t('team.activeNowNote'), to: at('sessions') },
          { label: t('team.lastDay'), count: of.last_day, note: t('team.lastDayNote') },
          { label: t('sessions.title'), count: of.sessions, note: t('sessions.active'), to: at('sessions') },
          { label: t('team.refusedSessions'), count: of.refused, note: t('team.refusedNote'), to: `${at('sessions')}?status=refused` },
        ]}
      />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Paper withBorder p="md" component="section" aria-label={t('team.perDay')}>
          <Text fw={600} size="sm" mb="sm">
            {t('team.perDay')}
          </Text>
          <LazyDays days={of.days.map(({ day, count }) => ({ day, counts: { sessions: count } }))} series={[{ key: 'sessions', label: t('sessions.title') }]} />
        </Paper>
        <Paper withBorder p="md" component="section" aria-label={t('team.byMethod')}>
          <Text fw={600} size="sm" mb="sm">
            {t('team.byMethod')}
          </Text>
          <Stack gap="sm">
            {of.providers.map(({ provider, count }) => (
              <div key={provider}>
                <Text size="sm" component="div" style={{ display: 'flex', justifyContent: 'space-between' }}>
                  <span>{providerName(t, provider)}</span>
                  <span className="number">{t('common.number', { count })}</span>
                </Text>
                <Progress value={(100 * count) / most} size={6} aria-hidden />
              </div>
            ))}
            {of.providers.length === 0 && <Text className="muted">{t('sessions.nobody')}</Text>}
          </Stack>
        </Paper>
      </SimpleGrid>
    </Stack>
  )
}
