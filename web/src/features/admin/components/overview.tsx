import { Anchor, Badge, Group, Paper, Progress, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useId } from 'react'
import { Link } from 'react-router'
import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'
import type { components } from '../../../api/schema.gen'
import { providerName } from '../../../auth/providers'
import { Figures } from '../../../components/figures'
import { LazyDays } from '../../../components/lazy-days'
import { Name, personName, Retry, Time, Waiting } from '../../../components/show'
import { useT } from '../../../i18n/language'
import { reasonWords } from '../../audit/reasons'
import { useOverview } from '../api/overview'
import { checked, resultWords } from '../health-words'
import { seriesOf } from '../series'
import '../../../i18n/en/later/operator'
import '../../../i18n/en/later/audit'

type Figured = components['schemas']['AdminOverview']

const everyMs = 60_000
const shownPairs = 3

// Overview says in numbers how the deployment is. Each number leads to its list.
export function Overview() {
  const figures = useOverview()
  if (figures.error && !figures.data) return <Retry error={figures.error} again={figures.refetch} />
  if (!figures.data) return <Waiting />
  return <Numbers of={figures.data} />
}

function Numbers({ of }: { of: Figured }) {
  const t = useT()
  const signIns = of.sign_ins.days.reduce((sum, { providers }) => sum + providers.reduce((all, { count }) => all + count, 0), 0)
  const tried = of.sign_ins.last_day + of.refusals.last_day
  const percent = new Intl.NumberFormat(t.locale, { style: 'percent', maximumFractionDigits: 1 }).format(tried === 0 ? 0 : of.refusals.last_day / tried)
  return (
    <Stack>
      <Text size="sm" className="muted" component="div">
        {t.rich('operator.overviewHint', { time: <Time at={of.at} /> })}
      </Text>
      <Figures
        label={t('operator.overview')}
        figures={[
          { label: t('operator.users'), count: of.users.total, note: t('operator.newUsers', { count: of.users.new }), to: '/admin/users' },
          { label: t('operator.activeSessions'), count: of.sessions.active, note: t('operator.sessionsInTeams', { count: of.sessions.in_teams }), to: '/admin/sessions' },
          { label: t('operator.signInsDay'), count: of.sign_ins.last_day, note: t('operator.signInsMonth', { count: signIns }), to: '/admin/audit?action=session.created' },
          { label: t('operator.refusedDay'), count: of.refusals.last_day, note: t('operator.refusedShare', { percent }), to: '/admin/audit?action=proof.refused' },
          { label: t('operator.openDuplicates'), count: of.duplicates, note: t('operator.mergesMonth', { count: of.merges }), to: '/admin/duplicates' },
        ]}
      />
      <div className="overview-wide">
        <Card title={t('operator.signInsPerDay')} hint={t('operator.byProvider')}>
          <LazyDays
            days={of.sign_ins.days.map(({ day, providers }) => ({ day, counts: Object.fromEntries(providers.map(({ provider, count }) => [provider, count])) }))}
            series={seriesOf(of.sign_ins.days).map((key) => ({ key, label: providerName(t, key) }))}
          />
        </Card>
        <Card title={t('operator.refusalsByReason')} hint={t('operator.lastMonth')} more={{ to: '/admin/audit?action=proof.refused', label: t('operator.audit') }}>
          <Reasons of={of.refusals.reasons} />
        </Card>
      </div>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
        <Card title={t('operator.duplicates')} more={{ to: '/admin/duplicates', label: t('operator.all') }}>
          <Pairs />
        </Card>
        <Card title={t('operator.queues')} more={{ to: '/admin/webhooks', label: t('operator.webhooks') }}>
          <Queues of={of} />
        </Card>
        <Card title={t('operator.health')} more={{ to: '/admin/health', label: t('operator.details') }}>
          <State of={of} />
        </Card>
      </SimpleGrid>
    </Stack>
  )
}

interface CardProps {
  title: string
  hint?: string
  more?: { to: string; label: string }
  children: ReactNode
}

function Card({ title, hint, more, children }: CardProps) {
  const id = useId()
  return (
    <Paper withBorder component="section" aria-labelledby={id} miw={0}>
      <Group justify="space-between" wrap="nowrap" p="md" pb="xs">
        <Stack gap={0} miw={0}>
          <Title order={2} size="h6" id={id}>
            {title}
          </Title>
          {hint && (
            <Text size="xs" className="muted">
              {hint}
            </Text>
          )}
        </Stack>
        {more && (
          <Anchor component={Link} to={more.to} size="sm">
            {more.label}
          </Anchor>
        )}
      </Group>
      <Stack gap="sm" p="md" pt="xs">
        {children}
      </Stack>
    </Paper>
  )
}

const shownReasons = 6

function Reasons({ of }: { of: Figured['refusals']['reasons'] }) {
  const t = useT()
  if (of.length === 0) return <Text className="muted">{t('operator.noRefusals')}</Text>
  const most = of[0]!.count
  return of.slice(0, shownReasons).map(({ reason, count }) => (
    <div key={reason}>
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Text size="sm" className="name">
          {reason === '' ? t('operator.otherReason') : reasonWords(t, reason)}
        </Text>
        <Text size="sm" className="number">
          {t('common.number', { count })}
        </Text>
      </Group>
      <Progress value={(100 * count) / most} size={6} aria-hidden />
    </div>
  ))
}

function Pairs() {
  const t = useT()
  const pairs = useQuery({
    queryKey: keys.admin('duplicates', 'first'),
    queryFn: async () => (await data(api.GET('/v1/admin/duplicates', { params: { query: { limit: shownPairs } } }))).data,
  })
  if (pairs.error && !pairs.data) return <Retry error={pairs.error} again={pairs.refetch} />
  if (!pairs.data) return <Waiting />
  if (pairs.data.length === 0) return <Text className="muted">{t('operator.noDuplicates')}</Text>
  return pairs.data.map((pair) => (
    <div key={pair.users.map(({ id }) => id).join()}>
      <Text size="sm" component="div">
        {t.rich('operator.and', { one: <Name key="one">{personName(t, pair.users[0]!)}</Name>, other: <Name key="other">{personName(t, pair.users[1]!)}</Name> })}
      </Text>
      <Text size="xs" className="muted" component="div">
        <Name>{reasonWords(t, pair.reason)}</Name>
      </Text>
    </div>
  ))
}

function Row({ name, note, count, state, color }: { name: string; note: ReactNode; count?: number; state?: string; color?: string }) {
  const t = useT()
  return (
    <Group justify="space-between" wrap="nowrap" gap="xs">
      <Stack gap={0} miw={0}>
        <Text size="sm">{name}</Text>
        <Text size="xs" className="muted" component="div">
          {note}
        </Text>
      </Stack>
      <Group gap="xs" wrap="nowrap">
        {count !== undefined && (
          <Text size="sm" className="number">
            {t('common.number', { count })}
          </Text>
        )}
        {state && (
          <Badge variant="dot" color={color ?? 'teal'} tt="none" miw="max-content">
            {state}
          </Badge>
        )}
      </Group>
    </Group>
  )
}

const lateMs = 15 * 60_000

function Queues({ of: { mail, webhooks, at } }: { of: Figured }) {
  const t = useT()
  const late = mail.oldest_at !== null && Date.parse(at) - Date.parse(mail.oldest_at) > lateMs
  return (
    <>
      <Row
        name={t('operator.mailWaiting')}
        note={mail.oldest_at === null ? t('operator.nothingWaits') : t.rich('operator.oldest', { time: <Time key="time" at={mail.oldest_at} /> })}
        count={mail.waiting}
        state={t(late ? 'operator.late' : 'operator.normal')}
        color={late ? 'orange' : 'teal'}
      />
      <Row
        name={t('operator.deliveriesWaiting')}
        note={t('operator.failingWebhooks', { failing: webhooks.failing, all: webhooks.enabled })}
        count={webhooks.waiting}
        state={t(webhooks.failing > 0 ? 'operator.failing' : 'operator.normal')}
        color={webhooks.failing > 0 ? 'orange' : 'teal'}
      />
      <Row
        name={t('operator.lost')}
        note={t('operator.lostNote')}
        count={webhooks.lost}
        state={t(webhooks.lost > 0 ? 'operator.review' : 'operator.normal')}
        color={webhooks.lost > 0 ? 'red' : 'teal'}
      />
    </>
  )
}

function State({ of }: { of: Figured }) {
  const t = useT()
  const health = useQuery({ queryKey: keys.admin('health'), queryFn: () => data(api.GET('/readyz')), refetchInterval: everyMs, retry: false })
  return (
    <>
      {of.providers.map(({ name, last_success_at }) => (
        <Row
          key={name}
          name={providerName(t, name)}
          note={last_success_at ? t.rich('operator.lastSuccess', { time: <Time key="time" at={last_success_at} /> }) : t('operator.noSuccess')}
        />
      ))}
      {Object.entries(health.data?.checks ?? {}).map(([name, result]) => (
        <Row key={name} name={checked(t, name)} note={name === 'database' ? of.database : ''} state={resultWords(t, result)} color={result === 'ok' ? 'teal' : 'red'} />
      ))}
      {health.error && <Row name={t('operator.health')} note="" state={t('operator.unhealthy')} color="red" />}
      <Row name={t('operator.version')} note={of.version} />
    </>
  )
}
