import { Button, Group, List, Paper, Radio, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useNavigate } from 'react-router'
import { useChange } from '../../../api/change'
import { api, data } from '../../../api/client'
import { isProblem } from '../../../api/problem'
import { keys, resetAllQueries, useIdentities } from '../../../api/queries'
import type { MergePreview, MergeSide, UserSummary } from '../../../api/types'
import { type KeptMerge, keptMerge } from '../../../auth/pending'
import { withStepUp } from '../../../auth/step-up'
import { doneNow } from '../../../components/done'
import { Section } from '../../../components/section'
import { Fault, Name, personName, Waiting } from '../../../components/show'
import { useResumed, useStepUp } from '../../../components/step-up-context'
import { useT } from '../../../i18n/language'
import { identityName } from '../../account/methods'
import { fieldName, valueText } from '../merge-words'
import { Gains, Moves } from './merge-plan'
import '../../../i18n/en/later/merge'

const intent = 'merge'

interface Props {
  begun: KeptMerge
  me: string
  onChange: (begun: KeptMerge) => void
  onClose: () => void
}

// areOne reports whether two accounts have become one already, as in another tab.
async function areOne(users: string[]): Promise<boolean> {
  const { data: merges } = await data(api.GET('/v1/me/merges'))
  return merges.some((merge) => !merge.undone_at && users.includes(merge.source_id) && users.includes(merge.survivor_id))
}

const isOver = (error: unknown) => isProblem(error, 'ticket_invalid') || isProblem(error, 'merge_refused') || isProblem(error, 'operator_merge')

// Merge takes a person from "this belongs to another account" to one account:
// what was found, both side by side, a choice wherever they differ, and what the
// account that stays may do afterwards. Only what is shown is confirmed.
export function Merge({ begun, me, onChange, onClose }: Props) {
  const t = useT()
  const client = useQueryClient()
  const stepUp = useStepUp()
  const navigate = useNavigate()
  const { ticket, survivor, choices } = begun
  // Its ticket is used up, and is not asked about again.
  const [over, setOver] = useState(false)
  const preview = useQuery({
    queryKey: keys.merge(ticket, survivor, choices),
    queryFn: async () => {
      try {
        return await data(api.POST('/v1/me/merges', { body: { ticket, choices, ...(survivor ? { survivor_id: survivor } : {}) } }))
      } catch (error) {
        if (isOver(error) && begun.users && (await areOne(begun.users))) return null
        throw error
      }
    },
    placeholderData: keepPreviousData,
    enabled: !over,
    staleTime: 0,
    retry: false,
  })
  const finish = async () => {
    keptMerge.set(undefined)
    setOver(true)
    // Its ticket is used up, so that it is not asked about again below.
    client.removeQueries({ queryKey: keys.merge(ticket) })
    await navigate('/account/sign-in-methods', doneNow('merged'))
    // Everything this page knows may be another account's now.
    await resetAllQueries(client)
  }
  const confirm = useChange({
    mutationFn: async (shown: MergePreview) => {
      const body = { survivor_id: shown.survivor.id, choices, fingerprint: shown.fingerprint, delivery: 'cookie' as const }
      return withStepUp(
        () => data(api.POST('/v1/me/merges/{merge}/confirm', { params: { path: { merge: shown.id } }, body })),
        () => stepUp(intent),
      )
    },
    onSuccess: (merged) => merged && finish(),
    onError: (error) => {
      if (isProblem(error, 'merge_changed') || isOver(error)) void preview.refetch()
    },
  })
  const shown = preview.data
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each preview that is shown
  useEffect(() => {
    if (shown === null) void finish()
    else if (shown && !begun.users) onChange({ ...begun, users: [shown.survivor.id, shown.source.id] })
  }, [shown])
  const heading = useRef<HTMLDivElement>(null)
  // Nothing is returned: current browsers return a promise here, and React would
  // call it to clean up.
  useEffect(() => {
    heading.current?.scrollIntoView({ block: 'start' })
  }, [])
  // Back from a step-up that the confirmation asked for: the button is there again,
  // and the person presses it.
  const [resumed] = useState(useResumed(intent))
  const button = useRef<HTMLButtonElement>(null)
  const ready = Boolean(shown)
  useEffect(() => {
    if (resumed && ready) button.current?.focus()
  }, [resumed, ready])

  const dead = isProblem(preview.error, 'ticket_invalid')
  return (
    <div ref={heading}>
      <Section title={t('merge.title')} hint={dead ? undefined : t('merge.found')}>
        {preview.isPending && <Waiting />}
        <Fault error={preview.error} />
        {shown && !preview.error && (
          <div className="merge" aria-busy={preview.isFetching}>
            <Stack gap="lg" miw={0}>
              <Text size="sm" fw={500} className="muted">
                {t('merge.before')}
              </Text>
              <Accounts preview={shown} sides={sides(shown, me)} me={me} onChoose={(id) => onChange({ ...begun, survivor: id, choices: {} })} />
              <Conflicts
                preview={shown}
                sides={sides(shown, me)}
                apart={(user) => t(user.id === me ? 'merge.thisAccount' : 'merge.otherAccount')}
                choices={choices}
                onChoose={(field, side) => onChange({ ...begun, choices: { ...choices, [field]: side } })}
              />
            </Stack>
            <Stack gap="lg" miw={0}>
              <Text size="sm" fw={500} className="muted">
                {t('merge.after')}
              </Text>
              <After preview={shown} me={me} />
            </Stack>
          </div>
        )}
        <Fault error={confirm.error} />
        {shown && !preview.error && (
          <List size="sm" spacing={4} center icon={<IconCheck size={16} aria-hidden />}>
            <List.Item>{t('merge.staySignedIn')}</List.Item>
            <List.Item>{t('merge.sessions', { count: shown.moves.sessions_ended })}</List.Item>
            <List.Item>{t('merge.canUndo')}</List.Item>
          </List>
        )}
        <Group>
          {shown && !preview.error && (
            <Button ref={button} loading={confirm.isPending} disabled={preview.isPlaceholderData} onClick={() => confirm.mutate(shown)}>
              {t('merge.confirm')}
            </Button>
          )}
          <Button variant="default" disabled={confirm.isPending} onClick={onClose}>
            {t(dead ? 'merge.back' : 'merge.leave')}
          </Button>
        </Group>
      </Section>
    </div>
  )
}

// After is the account as it is when both are one.
function After({ preview, me }: { preview: MergePreview; me: string }) {
  const t = useT()
  const { survivor, moves } = preview
  const identities = useIdentities()
  // Of the other account only what moves is known here.
  const own = survivor.id === me ? (identities.rows ?? []) : []
  return (
    <Paper withBorder p="md" style={{ borderColor: 'var(--mantine-primary-color-filled)' }} component="section" aria-label={t('merge.after')}>
      <Stack gap="md">
        <Stack gap={0}>
          <Text fw={600} component="div">
            <Name>{personName(t, survivor)}</Name>
          </Text>
          <Text size="sm" className="muted">
            {t(survivor.id === me ? 'merge.keepsThis' : 'merge.keepsOther')}
          </Text>
        </Stack>
        {own.length > 0 && (
          <div>
            <Text size="sm" fw={500}>
              {t('merge.stays')}
            </Text>
            <List size="sm">
              {own.map((identity) => (
                <List.Item key={identity.id}>
                  <Name>{identityName(t, identity)}</Name>
                </List.Item>
              ))}
            </List>
          </div>
        )}
        <Moves preview={{ ...preview, moves: { ...moves, sessions_ended: 0 } }} />
        <Gains preview={preview} />
      </Stack>
    </Paper>
  )
}

// sides are both accounts in a steady order: always this one first, whichever
// stays.
export function sides(preview: MergePreview, first: string): MergeSide[] {
  return preview.survivor.id === first ? ['survivor', 'source'] : ['source', 'survivor']
}

// Accounts shows both side by side; the one that is chosen stays.
function Accounts({ preview, sides, me, onChoose }: { preview: MergePreview; sides: MergeSide[]; me: string; onChoose: (id: string) => void }) {
  const t = useT()
  const users = sides.map((side) => preview[side])
  return (
    <Radio.Group label={t('merge.survivor')} description={t('merge.survivorHint')} value={preview.survivor.id} onChange={onChoose}>
      <SimpleGrid cols={{ base: 1, sm: 2 }} mt="xs">
        {users.map((user) => (
          <Radio.Card key={user.id} value={user.id} p="md">
            <Group wrap="nowrap" align="flex-start">
              <Radio.Indicator />
              <Stack gap={0} miw={0}>
                <Name>{personName(t, user)}</Name>
                <Text size="sm" className="muted" component="div">
                  <Name>{user.primary_email ?? t('merge.noEmail')}</Name>
                </Text>
                <Text size="xs" className="muted">
                  {t(user.id === me ? 'merge.thisAccount' : 'merge.otherAccount')}
                </Text>
              </Stack>
            </Group>
          </Radio.Card>
        ))}
      </SimpleGrid>
    </Radio.Group>
  )
}

interface ConflictsProps {
  preview: MergePreview
  sides: MergeSide[]
  /** What tells two people of one name apart. */
  apart: (user: UserSummary) => string
  choices: Record<string, MergeSide>
  onChoose: (field: string, side: MergeSide) => void
}

// Conflicts lets the person choose wherever the two differ, each value below
// the account that has it.
export function Conflicts({ preview, sides, apart, choices, onChoose }: ConflictsProps) {
  const t = useT()
  const [name, other] = sides.map((side) => personName(t, preview[side]))
  const nameOf = (user: UserSummary) => (name === other ? `${personName(t, user)} (${apart(user)})` : personName(t, user))
  if (preview.conflicts.length === 0) return null
  return (
    <Stack gap="sm">
      <Title order={3} size="h5">
        {t('merge.conflicts')}
      </Title>
      {preview.conflicts.map((conflict) => (
        <Radio.Group
          key={conflict.field}
          label={fieldName(t, conflict.field)}
          value={choices[conflict.field] ?? conflict.choice}
          onChange={(side) => onChoose(conflict.field, side as MergeSide)}
        >
          <SimpleGrid cols={{ base: 1, sm: 2 }} mt={4}>
            {sides.map((side) => (
              <Radio
                key={side}
                value={side}
                label={<Name>{valueText(t, conflict[side])}</Name>}
                description={t.rich('merge.of', { name: <Name key="name">{nameOf(preview[side])}</Name> })}
              />
            ))}
          </SimpleGrid>
        </Radio.Group>
      ))}
    </Stack>
  )
}
