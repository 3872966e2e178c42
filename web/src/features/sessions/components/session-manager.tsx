import { ActionIcon, Badge, Button, Group, Menu, NativeSelect, Stack, Text, UnstyledButton } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconChevronDown, IconChevronRight, IconDownload } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { useChange } from '../../../api/change'
import type { Page } from '../../../api/queries'
import type { Job, SessionFilter } from '../../../api/types'
import { providerName } from '../../../auth/providers'
import { Question } from '../../../components/confirm'
import { Pages, useInAddress, usePaged } from '../../../components/paged'
import { PreviewConfirm, PreviewDialog } from '../../../components/preview-confirm'
import { Select, SelectAll, SelectGroup, SelectionBar, useSelection } from '../../../components/selection'
import { Fault, Listing, Name, Person, personName, Time, WordsAlert } from '../../../components/show'
import { statusColor } from '../../../components/status'
import { useResumed } from '../../../components/step-up-context'
import { type Column, Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import type { Translate } from '../../../i18n/translate'
import { saveCSV } from '../csv'
import { untilOneExpires } from '../expiry'
import { active, asChosen, type Chosen, filterErrors, findsOpen, isOpen, narrows, toFilter } from '../filters'
import { inGroups, type Row } from '../groups'
import { refusedWhy } from '../refused'
import { type AnySession, EndedList, type EndedSessions } from './ended'
import { EndingJob } from './ending-job'
import { SessionDrawer } from './session-drawer'
import { SessionFilters } from './session-filters'
import '../../../i18n/en/later/sessions'

// What to end: as a dry run, or what a dry run listed and no more.
type Ending = { filter: SessionFilter } & ({ dry_run: true } | { as_of?: string; at_most: number })

// Below it a list needs no folding.
const shortList = 10

interface Props {
  label: string
  empty: string
  queryKey: readonly unknown[]
  fetchPage: (query: SessionFilter & { cursor?: string; limit: number; sort?: 'newest' | 'person'; count?: boolean }) => Promise<Page<AnySession>>
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
  /** The address of what happened to a user. */
  trail?: (user: string) => string
}

// SessionManager finds sessions and ends one, the selected, those that a filter
// finds, or everyone else's.
export function SessionManager(props: Props) {
  const t = useT()
  const [address, setAddress] = useInAddress({ ...active, sort: 'person' })
  const { sort, ...filters } = address
  // Of one user's there is no other user to choose, and their page has more lists.
  const [own, setOwn] = useState<Chosen>(active)
  const chosen = props.user ? own : asChosen(filters, props.members === undefined)
  const setChosen = (next: Chosen) => (props.user ? setOwn(next) : setAddress({ ...address, ...next }))
  const [settledText] = useDebouncedValue(JSON.stringify(chosen), 250)
  const settled = JSON.parse(settledText) as Chosen
  const [done, setDone] = useState<{ at: number; ended: number; before: number; stay: number }>()
  const [job, setJob] = useState<Job>()
  // Which of the choices of the menu is asked about, and since when.
  const [ending, setEnding] = useState<{ filter: SessionFilter; title: string; at: number }>({ filter: {}, title: '', at: 0 })
  const [detail, setDetail] = useState<string>()
  const csv = useChange({ mutationFn: () => saveCSV(t, (page) => props.fetchPage({ ...filter, ...page })) })
  const [asked, setAsked] = useState<{ session: AnySession; open: boolean; ending?: boolean }>()
  const filter: SessionFilter = { ...toFilter(settled), ...(props.user ? { user_id: props.user } : {}) }
  const list = usePaged(
    [...props.queryKey, filter, sort],
    (page) => props.fetchPage({ ...filter, ...page, ...(props.inTeam ? { sort: sort === 'newest' ? 'newest' : 'person', count: true } : {}) }),
    // Without groups to fold, a page of more rows is taller than three screens.
    { lookAgain: untilOneExpires, inAddress: !props.user, ...(props.inTeam ? {} : { limit: 25 }) },
  )
  const rows = list.rows ?? []
  const endable = useSelection(
    rows.filter((row) => isOpen(row.status)),
    (row) => row.id,
  )
  const { selected } = endable
  // Others than all: the open sessions that the policy refuses are fewer, too.
  const part = narrows(filter) || filter.status === 'refused'
  const unreadable = Object.values(filterErrors(chosen)).some(Boolean) || JSON.stringify(chosen) !== settledText

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

  const [shut, setShut] = useState<ReadonlySet<string>>(new Set())
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set())
  // A short list is open from the start.
  const short = rows.length <= shortList
  const isGroupOpen = (user: string) => (short ? !shut.has(user) : opened.has(user))
  const toggle = (user: string) => {
    const [set, change] = short ? [shut, setShut] : [opened, setOpened]
    const next = new Set(set)
    if (!next.delete(user)) next.add(user)
    change(next)
  }
  const grouped: Row[] = props.inTeam && sort !== 'newest' ? inGroups(rows, isGroupOpen) : rows.map((session) => ({ kind: 'session', session, ofGroup: false }))
  const device = (session: AnySession) => (
    <>
      <UnstyledButton
        className="in-row"
        aria-label={t('sessions.detailsOf', { name: personName(t, session.user), device: session.device || t('common.unknownDevice') })}
        onClick={() => setDetail(session.id)}
      >
        <Name line>{session.device || t('common.unknownDevice')}</Name>
      </UnstyledButton>
      <Text size="xs" className="muted" component="div" maw="100%">
        <Name line>{[session.ip, session.place].filter(Boolean).join(' · ')}</Name>
      </Text>
    </>
  )
  const person = (session: AnySession) => props.person?.(session) ?? <Person user={session.user} {...(session.current ? { note: t('sessions.thisBrowser') } : {})} />

  const columns: Column<Row>[] = [
    {
      label: t('list.select'),
      action: true,
      cell: (row) =>
        row.kind === 'person' ? (
          <SelectGroup of={endable} rows={row.sessions.filter(({ status }) => isOpen(status))} label={t('sessions.selectAllOf', { name: personName(t, row.sessions[0]!.user) })} />
        ) : (
          isOpen(row.session.status) && (
            <Select
              of={endable}
              row={row.session}
              label={t('sessions.selectOf', { name: personName(t, row.session.user), device: row.session.device || t('common.unknownDevice') })}
            />
          )
        ),
    },
    {
      label: t(props.inTeam ? 'sessions.person' : 'sessions.user'),
      cell: (row) => {
        if (row.kind === 'session' && !props.inTeam) return person(row.session)
        const session = row.kind === 'person' ? row.sessions[0]! : row.session
        const name = personName(t, session.user)
        return (
          <Group gap="xs" wrap="nowrap" align="flex-start" maw="100%">
            {row.kind === 'person' && (
              <ActionIcon
                variant="subtle"
                color="gray"
                size="sm"
                aria-expanded={row.open}
                aria-label={t(row.open ? 'sessions.collapse' : 'sessions.expand', { name })}
                onClick={() => toggle(session.user.id)}
              >
                {row.open ? <IconChevronDown size={16} aria-hidden /> : <IconChevronRight size={16} aria-hidden />}
              </ActionIcon>
            )}
            <Stack gap={0} align="flex-start" miw={0} flex={1}>
              {!(row.kind === 'session' && row.ofGroup) && (
                <Group gap={6} wrap="nowrap" maw="100%">
                  <div style={{ minWidth: 0 }}>{person(row.kind === 'person' ? { ...session, current: false } : session)}</div>
                  {session.role !== 'member' && (
                    <Badge variant="light" color="gray" size="sm" style={{ flex: 'none' }}>
                      {session.role ? t(`common.${session.role}`) : t('sessions.noMember')}
                    </Badge>
                  )}
                </Group>
              )}
              {row.kind === 'session' && (
                <>
                  {device(session)}
                  {row.ofGroup && session.current && <span className="muted">({t('sessions.thisBrowser')})</span>}
                </>
              )}
            </Stack>
          </Group>
        )
      },
    },
    {
      label: t('sessions.ways'),
      cell: (row) => [...new Set(row.kind === 'person' ? row.sessions.flatMap(({ methods }) => methods) : row.session.methods)].map((method) => providerName(t, method)).join(', '),
    },
    ...(props.inTeam
      ? []
      : [
          {
            label: t('sessions.from'),
            cell: (row: Row) =>
              row.kind === 'session' && (
                <Stack gap={0} align="flex-start">
                  {device(row.session)}
                </Stack>
              ),
          },
        ]),
    {
      label: t(props.inTeam ? 'sessions.entered' : 'sessions.age'),
      cell: (row) => (row.kind === 'person' ? t('sessions.count', { count: row.sessions.length }) : <Time at={row.session.created_at} />),
    },
    {
      label: t('sessions.lastSeen'),
      cell: (row) => (
        <Time
          at={
            row.kind === 'person'
              ? row.sessions
                  .map((one) => one.last_seen_at)
                  .sort()
                  .at(-1)!
              : row.session.last_seen_at
          }
        />
      ),
    },
    {
      label: t('sessions.state'),
      cell: (row) => {
        if (row.kind === 'person') return null
        const { session } = row
        return (
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
        )
      },
    },
    {
      label: t('sessions.end'),
      action: true,
      cell: (row) => row.kind === 'session' && isOpen(row.session.status) && <EndButton session={row.session} onAsk={() => setAsked({ session: row.session, open: true })} />,
    },
  ]

  return (
    <Stack gap="sm">
      <SessionFilters
        chosen={chosen}
        onChange={setChosen}
        {...(props.members === undefined ? {} : { members: props.members && memberOptions(t, props.members, rows, chosen.user) })}
      >
        <span style={{ flex: 1 }} />
        <Button variant="default" size="xs" leftSection={<IconDownload size={14} aria-hidden />} loading={csv.isPending} disabled={unreadable} onClick={() => csv.mutate()}>
          {t('sessions.csv')}
        </Button>
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" size="xs" rightSection={<IconChevronDown size={14} aria-hidden />}>
              {t('sessions.endMenu')}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item disabled={unreadable || !narrows(filter) || !findsOpen(filter)} onClick={() => setEnding({ filter, title: t('sessions.endFilteredTitle'), at: Date.now() })}>
              {t('sessions.endFiltered')}
            </Menu.Item>
            {!props.user && (
              <Menu.Item
                disabled={unreadable || !findsOpen(filter)}
                onClick={() => setEnding({ filter: { ...filter, others: true }, title: t(part ? 'sessions.endOthersFilteredTitle' : 'sessions.endOthersTitle'), at: Date.now() })}
              >
                {t(part ? 'sessions.endOthersFiltered' : 'sessions.endOthers')}
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
      </SessionFilters>
      <Fault error={csv.error} />
      <PreviewDialog opened={ending.at} onOpened={(at) => setEnding((was) => ({ ...was, at }))} title={ending.title} {...byFilter(ending.filter)} />
      <Group gap="xs" mih={30}>
        <SelectAll of={endable} />
        {props.inTeam && (
          <NativeSelect
            size="xs"
            aria-label={t('sessions.order')}
            value={sort}
            onChange={(event) => setAddress({ ...address, sort: event.currentTarget.value })}
            data={[
              { value: 'person', label: t('sessions.byPerson') },
              { value: 'newest', label: t('sessions.newest') },
            ]}
          />
        )}
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
        {() => (
          <Table
            label={props.label}
            compact
            rows={grouped}
            rowKey={(row) => (row.kind === 'person' ? row.key : row.session.id)}
            rowMark={(row) => ({
              ...(row.kind === 'session' && endable.has(row.session) ? { 'data-picked': true } : {}),
              ...(row.kind === 'session' && row.ofGroup ? { 'data-of-group': true } : {}),
            })}
            columns={columns}
          />
        )}
      </Listing>
      <Pages list={list} />
      {/* Its place is kept while it asks, for its question belongs to it. */}
      <SelectionBar of={endable}>
        <PreviewConfirm
          label={t('sessions.endSelected')}
          title={t('sessions.endSelectedTitle')}
          disabled={selected.length === 0}
          color="red"
          {...byFilter({ ids: selected.map((session) => session.id) })}
        />
      </SelectionBar>
      <SessionDrawer
        session={rows.find(({ id }) => id === detail)}
        onClose={() => setDetail(undefined)}
        onEnd={(session) => {
          setDetail(undefined)
          setAsked({ session, open: true })
        }}
        {...(props.trail ? { trail: props.trail } : {})}
      />
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
