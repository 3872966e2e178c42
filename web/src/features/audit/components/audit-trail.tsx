import { Anchor, Group, NativeSelect, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import type { ReactNode } from 'react'
import type { Page } from '../../../api/queries'
import type { AuditEvent, AuditParty } from '../../../api/types'
import { Pages, useInAddress, usePaged } from '../../../components/paged'
import { Listing, Name, Time } from '../../../components/show'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import { readID } from '../../sessions/filters'
import { type AuditChosen, actions, auditWhat, details, eventDetails, noAuditFilter, toAuditQuery, unreadable } from '../audit'
import { reasonWords } from '../reasons'
import '../../../i18n/en/later/sessions'
import '../../../i18n/en/later/audit'

// More rows than these, of several lines each, are taller than three screens.
const perPage = 15

// As the service writes a time in an event.
const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

type Query = ReturnType<typeof toAuditQuery>

interface Props {
  queryKey: readonly unknown[]
  fetchPage: (query: Query & { cursor?: string; limit: number }) => Promise<Page<AuditEvent>>
  /** Where the same events are to be had as a file. */
  exportPath: string
  who: (id: string, party: AuditParty | undefined) => ReactNode
  people?: { value: string; label: string }[]
  actionPrefixes?: readonly string[]
  /** Of all teams, each shown by this. */
  teams?: (id: string) => ReactNode
}

// AuditTrail shows events by filters, and hands out the file.
export function AuditTrail({ queryKey, fetchPage, exportPath, who, people, actionPrefixes, teams }: Props) {
  const t = useT()
  const [chosen, setChosen] = useInAddress(noAuditFilter)
  const [settledText] = useDebouncedValue(JSON.stringify(chosen), 300)
  const settled = JSON.parse(settledText) as AuditChosen
  const query = toAuditQuery(settled)
  const list = usePaged([...queryKey, query], (page) => fetchPage({ ...query, ...page }), { limit: perPage, enabled: !unreadable(settled), inAddress: true })
  const held = unreadable(chosen)
  const set = (part: Partial<AuditChosen>) => setChosen({ ...chosen, ...part })
  const offered = actions.filter((action) => !actionPrefixes || actionPrefixes.some((prefix) => action.startsWith(prefix)))
  const id = (label: string, field: 'user' | 'actor' | 'team') => (
    <TextInput
      label={label}
      value={chosen[field]}
      maxLength={36}
      spellCheck={false}
      error={chosen[field].trim() !== '' && !readID(chosen[field]) && t('common.idWrong')}
      onChange={(event) => set({ [field]: event.currentTarget.value })}
    />
  )
  const person = (label: string, field: 'user' | 'actor') =>
    people ? (
      <NativeSelect
        label={label}
        value={chosen[field]}
        onChange={(event) => set({ [field]: event.currentTarget.value })}
        data={[{ value: '', label: t('filters.everyone') }, ...people]}
      />
    ) : (
      id(label, field)
    )
  return (
    <Stack gap="sm">
      <SimpleGrid cols={{ base: 2, sm: 3 }} spacing="xs" verticalSpacing="xs">
        <NativeSelect
          label={t('audit.what')}
          value={chosen.action}
          onChange={(event) => set({ action: event.currentTarget.value })}
          data={[{ value: '', label: t('audit.anything') }, ...offered.map((action) => ({ value: action, label: auditWhat(t, { action, data: {} }) }))]}
        />
        {person(people ? t('audit.who') : t('audit.actorId'), 'actor')}
        {person(people ? t('audit.whom') : t('audit.userId'), 'user')}
        {teams && id(t('audit.teamId'), 'team')}
        <TextInput label={t('audit.since')} type="datetime-local" value={chosen.from} onChange={(event) => set({ from: event.currentTarget.value })} />
        <TextInput label={t('audit.until')} type="datetime-local" value={chosen.to} onChange={(event) => set({ to: event.currentTarget.value })} />
        <TextInput label={t('audit.ip')} value={chosen.ip} maxLength={45} spellCheck={false} onChange={(event) => set({ ip: event.currentTarget.value })} />
      </SimpleGrid>
      <Group>
        <Anchor
          size="sm"
          {...(held || JSON.stringify(chosen) !== settledText
            ? { role: 'link', 'aria-disabled': true, className: 'muted' }
            : { href: `${exportPath}?${new URLSearchParams(query as Record<string, string>).toString()}`, download: 'audit.ndjson' })}
        >
          {t('audit.export')}
        </Anchor>
      </Group>
      {held ? (
        <Text className="muted">{t('audit.unreadable')}</Text>
      ) : (
        <Listing list={list} empty={t('audit.none')}>
          {(events) => (
            <Table
              label={t('audit.table')}
              rows={events}
              rowKey={(event) => event.id}
              columns={[
                {
                  label: t('audit.what'),
                  cell: (event) => (
                    <Stack gap={0}>
                      <span>{auditWhat(t, event)}</span>
                      <Text size="xs" className="muted">
                        {event.seq === null ? t('audit.notChained') : t('audit.seq', { seq: event.seq })}
                      </Text>
                    </Stack>
                  ),
                },
                { label: t('audit.who'), cell: (event) => (event.actor_id ? who(event.actor_id, event.actor) : t('common.noActor')) },
                { label: t('audit.whom'), cell: (event) => event.user_id && who(event.user_id, event.user) },
                ...(teams ? [{ label: t('audit.team'), cell: (event: AuditEvent) => event.team_id && teams(event.team_id) }] : []),
                { label: t('audit.when'), cell: (event) => <Time at={event.at} /> },
                { label: t('audit.from'), cell: (event) => event.ip && <Name line>{event.ip}</Name> },
                { label: t('audit.details'), cell: (event) => <EventDetails data={event.data} /> },
              ]}
            />
          )}
        </Listing>
      )}
      {!held && <Pages list={list} />}
    </Stack>
  )
}

// EventDetails shows why, and folds what is more than a glance takes.
export function EventDetails({ data }: { data: Record<string, unknown> }) {
  const t = useT()
  const { reason, ...rest } = data
  const more = eventDetails(t, rest)
  return (
    <Stack gap={2}>
      {typeof reason === 'string' && reason !== '' && <Name>{reasonWords(t, reason)}</Name>}
      {more.length > 2 ? (
        <details className="more">
          <summary>{t('audit.details')}</summary>
          <Lines of={more} />
        </details>
      ) : (
        more.length > 0 && <Lines of={more} />
      )}
    </Stack>
  )
}

// Details shows what something holds, as text.
export function Details({ data }: { data: Record<string, unknown> }) {
  return <Lines of={details(data)} />
}

function Lines({ of }: { of: [string, string][] }) {
  return (
    <Stack gap={0}>
      {of.map(([key, value]) => (
        <Text key={key} size="xs" component="div" className="name">
          <span className="muted">{key}: </span>
          {isTime.test(value) ? <Time at={value} /> : <Name>{value}</Name>}
        </Text>
      ))}
    </Stack>
  )
}
