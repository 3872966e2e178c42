import { Badge, Group, Stack, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useState } from 'react'
import type { Page } from '../api/queries'
import type { AdminSession, Role, SessionFilter, TeamSession } from '../api/types'
import { providerName } from '../auth/providers'
import { useT } from '../i18n/language'
import type { Translate } from '../i18n/translate'
import { active, type Chosen, narrows, toFilter, wrong } from '../sessions/filters'
import { ConfirmButton } from './confirm'
import { EndedList } from './ended'
import { Pages, usePaged } from './paged'
import { PreviewConfirm } from './preview-confirm'
import { Select, SelectAll, useSelection } from './selection'
import { SessionFilters } from './session-filters'
import { Listing, Name, Person, personName, Time, WordsAlert } from './show'
import { statusColor } from './status'
import { type Column, Table } from './table'

export type AnySession = (AdminSession | TeamSession) & { role?: Role | null; break_glass_until?: string }

// What ended, or would end.
export interface EndedSessions {
  count: number
  skipped?: number
  sessions: AnySession[]
}

interface Props {
  label: string
  empty: string
  queryKey: readonly unknown[]
  fetchPage: (query: SessionFilter & { cursor?: string; limit: number }) => Promise<Page<AnySession>>
  endOne: (id: string) => Promise<unknown>
  endMany: (filter: SessionFilter, dryRun: boolean) => Promise<EndedSessions>
  /** After something has ended here. */
  onEnded: () => Promise<unknown>
  members?: { value: string; label: string }[] | null
  /** The role of each in the team. */
  inTeam?: boolean
  /** Whose sessions these are, where it is one user's. */
  user?: string
  person?: (session: AnySession) => React.ReactNode
}

// SessionManager finds sessions and ends one, the selected, those that a filter
// finds, or everyone else's.
export function SessionManager(props: Props) {
  const t = useT()
  const [chosen, setChosen] = useState<Chosen>(active)
  const [settled] = useDebouncedValue(chosen, 250)
  const [done, setDone] = useState<{ ended: number; failed: number }>()
  const filter: SessionFilter = { ...toFilter(settled), ...(props.user ? { user_id: props.user } : {}) }
  const list = usePaged([...props.queryKey, filter], (page) => props.fetchPage({ ...filter, ...page }))
  const rows = list.rows ?? []
  const endable = useSelection(rows.filter((row) => row.status === 'active'), (row) => row.id)
  const { selected } = endable
  const unreadable = Object.values(wrong(chosen)).some(Boolean) || chosen !== settled

  const finish = async (ended: number, failed = 0) => {
    setDone({ ended, failed })
    endable.clear()
    await props.onEnded()
  }
  const endSelected = async (sessions: AnySession[]) => {
    const results = await Promise.allSettled(sessions.map((session) => props.endOne(session.id)))
    const failed = results.filter((result): result is PromiseRejectedResult => result.status === 'rejected')
    // Where nothing ended the reason is told in the dialog.
    if (failed.length === sessions.length && failed[0]) throw failed[0].reason
    await finish(sessions.length - failed.length, failed.length)
  }
  const byFilter = (what: SessionFilter) => ({
    preview: () => props.endMany(what, true),
    confirm: ({ count }: EndedSessions) => (count > 0 ? t('sessions.endCountConfirm', { count }) : undefined),
    action: async () => finish((await props.endMany(what, false)).count),
    children: (preview: EndedSessions) => <EndedList ended={preview} />,
  })

  const columns: Column<AnySession>[] = [
    {
      label: t('sessions.select'),
      action: true,
      cell: (session) =>
        session.status === 'active' && (
          <Select of={endable} row={session} label={t('sessions.selectOf', { name: personName(t, session.user), device: session.device || t('common.unknownDevice') })} />
        ),
    },
    {
      label: t(props.inTeam ? 'sessions.member' : 'sessions.user'),
      cell: (session) => props.person?.(session) ?? <Person user={session.user} {...(session.current ? { note: t('sessions.thisBrowser') } : {})} />,
    },
    ...(props.inTeam ? [{ label: t('sessions.role'), cell: (session: AnySession) => (session.role ? t(`common.${session.role}`) : t('sessions.noMember')) }] : []),
    { label: t('sessions.ways'), cell: (session) => session.methods.map((method) => providerName(t, method)).join(', ') },
    {
      label: t('sessions.from'),
      cell: (session) => (
        <Stack gap={0} align="flex-start">
          <Name line>{session.device || t('common.unknownDevice')}</Name>
          <Text size="xs" className="muted" component="div" maw="100%">
            <Name line>{[session.ip, session.place].filter(Boolean).join(' · ')}</Name>
          </Text>
        </Stack>
      ),
    },
    { label: t(props.inTeam ? 'sessions.entered' : 'sessions.age'), cell: (session) => <Time at={session.created_at} /> },
    { label: t('sessions.lastSeen'), cell: (session) => <Time at={session.last_seen_at} /> },
    {
      label: t('sessions.state'),
      cell: (session) => (
        <Stack gap={2} align="flex-start">
          <Badge variant="light" color={statusColor(session.status)} miw="max-content">
            {t(`sessions.${session.status}`)}
          </Badge>
          {session.break_glass_until && Date.parse(session.break_glass_until) > Date.now() && (
            <Text size="xs" component="div">
              {t.rich('sessions.glass', { time: <Time key="time" at={session.break_glass_until} /> })}
            </Text>
          )}
        </Stack>
      ),
    },
    {
      label: t('sessions.end'),
      action: true,
      cell: (session) => session.status === 'active' && <EndOne session={session} action={async () => (await props.endOne(session.id), props.onEnded())} />,
    },
  ]

  return (
    <Stack gap="sm">
      <SessionFilters chosen={chosen} onChange={setChosen} {...(props.members === undefined ? {} : { members: props.members && among(t, props.members, rows, chosen.user) })} />
      <Group gap="xs" mih={30}>
        <SelectAll of={endable} />
        <PreviewConfirm
          label={t('sessions.endSelected')}
          title={t('sessions.endSelectedTitle')}
          disabled={selected.length === 0}
          preview={() => Promise.resolve(selected)}
          confirm={(sessions) => t('sessions.endCountConfirm', { count: sessions.length })}
          action={endSelected}
        >
          {(sessions) => <EndedList ended={{ count: sessions.length, sessions }} />}
        </PreviewConfirm>
        <PreviewConfirm label={t('sessions.endFiltered')} title={t('sessions.endFilteredTitle')} disabled={unreadable || !narrows(filter)} {...byFilter(filter)} />
        {!props.user && <PreviewConfirm label={t('sessions.endOthers')} title={t('sessions.endOthersTitle')} {...byFilter({ others: true })} />}
      </Group>
      {done && done.ended > 0 && <WordsAlert kind="done" words={{ title: t('sessions.ended', { count: done.ended }), text: t('sessions.endedText') }} />}
      {done && done.failed > 0 && <WordsAlert words={{ title: t('sessions.failed', { count: done.failed }), text: t.words['forbidden']!.text }} />}
      <Listing list={list} empty={narrows(filter) || settled.status !== 'active' ? t('sessions.none') : props.empty}>
        {(sessions) => <Table label={props.label} rows={sessions} rowKey={(session) => session.id} columns={columns} />}
      </Listing>
      <Pages list={list} />
    </Stack>
  )
}

// among adds whose sessions are seen, and who is chosen, to the members who are
// known here: of a large team those are the first only.
function among(t: Translate, members: { value: string; label: string }[], rows: AnySession[], chosen: string) {
  const all = new Map(members.map((member) => [member.value, member]))
  for (const { user } of rows) if (!all.has(user.id)) all.set(user.id, { value: user.id, label: personName(t, user) })
  if (chosen && !all.has(chosen)) all.set(chosen, { value: chosen, label: t('common.person', { id: chosen.slice(-6) }) })
  return [...all.values()].sort((a, b) => a.label.localeCompare(b.label, t.locale))
}

function EndOne({ session, action }: { session: AnySession; action: () => Promise<unknown> }) {
  const t = useT()
  const name = personName(t, session.user)
  const device = session.device || t('common.unknownDevice')
  return (
    <ConfirmButton
      label={t('sessions.end')}
      accessibleLabel={t('sessions.endOf', { name, device })}
      title={t('sessions.endTitle')}
      text={
        <>
          {t.rich('sessions.endText', { name: <Name key="name">{name}</Name>, device: <Name key="device">{device}</Name> })}
          {session.current && <Text mt="xs">{t('sessions.endOwn')}</Text>}
        </>
      }
      confirm={t('sessions.endConfirm')}
      intent={`end session ${session.id}`}
      action={action}
    />
  )
}
