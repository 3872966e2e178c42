import { Badge, Button, Group, Stack, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useEffect, useState } from 'react'
import type { Page } from '../../../api/queries'
import type { Job, SessionFilter } from '../../../api/types'
import { providerName } from '../../../auth/providers'
import { Question } from '../../../components/confirm'
import { Pages, usePaged } from '../../../components/paged'
import { PreviewConfirm } from '../../../components/preview-confirm'
import { Select, SelectAll, useSelection } from '../../../components/selection'
import { Listing, Name, Person, personName, Time, WordsAlert } from '../../../components/show'
import { statusColor } from '../../../components/status'
import { useResumed } from '../../../components/step-up-context'
import { type Column, Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import type { Translate } from '../../../i18n/translate'
import { untilOneExpires } from '../expiry'
import { active, type Chosen, filterErrors, findsOpen, isOpen, narrows, toFilter } from '../filters'
import { refusedWhy } from '../refused'
import { type AnySession, EndedList, type EndedSessions } from './ended'
import { EndingJob } from './ending-job'
import { SessionFilters } from './session-filters'
import '../../../i18n/en/later/sessions'

// What to end: as a dry run, or what a dry run listed and no more.
type Ending = { filter: SessionFilter } & ({ dry_run: true } | { as_of?: string; at_most: number })

interface Props {
  label: string
  empty: string
  queryKey: readonly unknown[]
  fetchPage: (query: SessionFilter & { cursor?: string; limit: number }) => Promise<Page<AnySession>>
  endOne: (id: string) => Promise<unknown>
  /** Many end by a job. */
  endMany: (what: Ending) => Promise<EndedSessions | Job>
  fetchJob: (id: string) => Promise<Job>
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
  const [done, setDone] = useState<{ at: number; ended: number; before: number; stay: number }>()
  const [job, setJob] = useState<Job>()
  const [asked, setAsked] = useState<{ session: AnySession; open: boolean; ending?: boolean }>()
  const filter: SessionFilter = { ...toFilter(settled), ...(props.user ? { user_id: props.user } : {}) }
  const list = usePaged([...props.queryKey, filter], (page) => props.fetchPage({ ...filter, ...page }), { lookAgain: untilOneExpires })
  const rows = list.rows ?? []
  const endable = useSelection(
    rows.filter((row) => isOpen(row.status)),
    (row) => row.id,
  )
  const { selected } = endable
  const unreadable = Object.values(filterErrors(chosen)).some(Boolean) || chosen !== settled

  // Of those that were named some may have ended meanwhile.
  const finish = async (named: number, { count, skipped = 0 }: Pick<EndedSessions, 'count' | 'skipped'>) => {
    setDone({ at: Date.now(), ended: count, before: named - count, stay: skipped })
    endable.clear()
    await props.onEnded()
  }
  const endAsked = async (session: AnySession) => {
    setAsked({ session, open: true, ending: true })
    try {
      await props.endOne(session.id)
    } catch (error) {
      setAsked((was) => (was?.session === session ? { ...was, ending: false } : was))
      throw error
    }
    await finish(1, { count: 1 })
  }
  const byFilter = (what: SessionFilter) => ({
    // What is selected may change with the rows while the question is open.
    preview: async () => ({ filter: what, ...((await props.endMany({ filter: what, dry_run: true })) as EndedSessions) }),
    confirm: ({ count }: EndedSessions) => (count > 0 ? t('sessions.endCountConfirm', { count }) : undefined),
    action: async ({ filter, as_of, count }: EndedSessions & { filter: SessionFilter }) => {
      const ended = await props.endMany({ filter, ...(as_of ? { as_of } : {}), at_most: count })
      if ('count' in ended) return finish(count, ended)
      setJob(ended)
      endable.clear()
      await props.onEnded()
    },
    children: (preview: EndedSessions) => <EndedList ended={preview} />,
  })

  const columns: Column<AnySession>[] = [
    {
      label: t('list.select'),
      action: true,
      cell: (session) =>
        isOpen(session.status) && (
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
          {session.refusal && (
            <Text size="xs" component="div" className="muted">
              {refusedWhy(t, session.refusal)}
            </Text>
          )}
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
      cell: (session) => isOpen(session.status) && <EndButton session={session} onAsk={() => setAsked({ session, open: true })} />,
    },
  ]

  return (
    <Stack gap="sm">
      <SessionFilters
        chosen={chosen}
        onChange={setChosen}
        {...(props.members === undefined ? {} : { members: props.members && memberOptions(t, props.members, rows, chosen.user) })}
      />
      <Group gap="xs" mih={30}>
        <SelectAll of={endable} />
        <PreviewConfirm
          label={t('sessions.endSelected')}
          title={t('sessions.endSelectedTitle')}
          disabled={selected.length === 0}
          {...byFilter({ ids: selected.map((session) => session.id) })}
        />
        <PreviewConfirm
          label={t('sessions.endFiltered')}
          title={t('sessions.endFilteredTitle')}
          disabled={unreadable || !narrows(filter) || !findsOpen(filter)}
          {...byFilter(filter)}
        />
        {!props.user && <PreviewConfirm label={t('sessions.endOthers')} title={t('sessions.endOthersTitle')} {...byFilter({ others: true })} />}
      </Group>
      {job && <EndingJob key={job.id} job={job} fetchJob={props.fetchJob} onFinished={props.onEnded} />}
      {done && (
        // Another one each time, to be said again where the words are the same.
        <Stack gap="xs" key={done.at}>
          {done.ended > 0 && <WordsAlert kind="done" words={{ title: t('sessions.ended', { count: done.ended }), text: t('sessions.endedText') }} />}
          {done.before > 0 && <WordsAlert kind="done" words={{ title: t('sessions.endedBefore', { count: done.before }), text: '' }} />}
          {done.stay > 0 && <WordsAlert kind="done" words={{ title: t('sessions.endSkipped', { count: done.stay }), text: '' }} />}
        </Stack>
      )}
      <Listing list={list} empty={narrows(filter) || settled.status !== 'active' ? t('sessions.none') : props.empty}>
        {(sessions) => <Table label={props.label} rows={sessions} rowKey={(session) => session.id} columns={columns} />}
      </Listing>
      <Pages list={list} />
      {asked && (
        <EndOne
          key={asked.session.id}
          session={asked.session}
          opened={asked.open}
          gone={!asked.ending && !endable.rows.some(({ id }) => id === asked.session.id)}
          onClose={() => setAsked((was) => (was?.session === asked.session ? { ...was, open: false } : was))}
          action={() => endAsked(asked.session)}
        />
      )}
    </Stack>
  )
}

// among adds whose sessions are seen, and who is chosen, to the members who are
// known here: of a large team those are the first only.
function memberOptions(t: Translate, members: { value: string; label: string }[], rows: AnySession[], chosen: string) {
  const all = new Map(members.map((member) => [member.value, member]))
  for (const { user } of rows) if (!all.has(user.id)) all.set(user.id, { value: user.id, label: personName(t, user) })
  if (chosen && !all.has(chosen)) all.set(chosen, { value: chosen, label: t('common.person', { id: chosen.slice(-6) }) })
  return [...all.values()].sort((a, b) => a.label.localeCompare(b.label, t.locale))
}

const intentOf = (session: AnySession) => `end session ${session.id}`

function EndButton({ session, onAsk }: { session: AnySession; onAsk: () => void }) {
  const t = useT()
  const resumed = useResumed(intentOf(session))
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it is there again after the trip
  useEffect(() => {
    if (resumed) onAsk()
  }, [])
  return (
    <Button
      variant="default"
      size="xs"
      aria-label={t('sessions.endOf', { name: personName(t, session.user), device: session.device || t('common.unknownDevice') })}
      onClick={onAsk}
    >
      {t('sessions.end')}
    </Button>
  )
}

// EndOne asks about one session. It stays when the session ends meanwhile, and
// says so.
function EndOne({ session, opened, gone, onClose, action }: { session: AnySession; opened: boolean; gone: boolean; onClose: () => void; action: () => Promise<unknown> }) {
  const t = useT()
  const named = {
    name: <Name key="name">{personName(t, session.user)}</Name>,
    device: <Name key="device">{session.device || t('common.unknownDevice')}</Name>,
  }
  return (
    <Question
      opened={opened}
      onClose={onClose}
      title={t('sessions.endTitle')}
      text={
        gone ? (
          <span role="status">{t.rich('sessions.endGone', named)}</span>
        ) : (
          <>
            {t.rich('sessions.endText', named)}
            {session.current && <Text mt="xs">{t('sessions.endOwn')}</Text>}
          </>
        )
      }
      confirm={gone ? undefined : t('sessions.endConfirm')}
      intent={intentOf(session)}
      action={action}
    />
  )
}
