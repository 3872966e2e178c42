import { Button, Group, Radio, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useNavigate } from 'react-router'
import { useChange } from '../../api/change'
import { api, data } from '../../api/client'
import { isProblem } from '../../api/problem'
import { keys, startOver } from '../../api/queries'
import type { MergePreview, MergeSide } from '../../api/types'
import { withStepUp } from '../../auth/step-up'
import type { Done } from '../../components/done'
import { Section } from '../../components/section'
import { Fault, Name, personName, Waiting } from '../../components/show'
import { useStepUp } from '../../components/step-up-context'
import { useT } from '../../i18n/language'
import { fieldName, valueText } from './merge-words'
import { Gains, Moves } from './merge-plan'

interface Props {
  ticket: string
  me: string
  onClose: () => void
}

// Merge takes a person from "this belongs to another account" to one account:
// what was found, both side by side, a choice wherever they differ, and what the
// account that stays may do afterwards. Only what is shown is confirmed.
export function Merge({ ticket, me, onClose }: Props) {
  const t = useT()
  const client = useQueryClient()
  const stepUp = useStepUp()
  const navigate = useNavigate()
  const [survivor, setSurvivor] = useState<string>()
  const [choices, setChoices] = useState<Record<string, MergeSide>>({})
  const preview = useQuery({
    queryKey: keys.merge(ticket, survivor, choices),
    queryFn: () => data(api.POST('/v1/me/merges', { body: { ticket, choices, ...(survivor ? { survivor_id: survivor } : {}) } })),
    placeholderData: keepPreviousData,
    staleTime: 0,
    retry: false,
  })
  const confirm = useChange({
    mutationFn: async (shown: MergePreview) => {
      const body = { survivor_id: shown.survivor.id, choices, fingerprint: shown.fingerprint, delivery: 'cookie' as const }
      return withStepUp(() => data(api.POST('/v1/me/merges/{merge}/confirm', { params: { path: { merge: shown.id } }, body })), () => stepUp('merge'))
    },
    onSuccess: async (merged) => {
      if (!merged) return
      onClose()
      await navigate('/account', { replace: true, state: { done: 'merged' } satisfies Done })
      // Everything this page knows may be another account's now.
      await startOver(client)
    },
    onError: (error) => {
      if (isProblem(error, 'merge_changed')) void preview.refetch()
    },
  })
  const heading = useRef<HTMLDivElement>(null)
  useEffect(() => heading.current?.scrollIntoView({ block: 'start' }), [])

  const shown = preview.data
  const dead = isProblem(preview.error, 'ticket_invalid')
  return (
    <div ref={heading}>
      <Section title={t('merge.title')} hint={dead ? undefined : t('merge.found')}>
        {preview.isPending && <Waiting />}
        <Fault error={preview.error} />
        {shown && !preview.error && (
          <Stack gap="lg" aria-busy={preview.isFetching}>
            <Accounts preview={shown} sides={sides(shown, me)} me={me} onChoose={(id) => (setChoices({}), setSurvivor(id))} />
            <Conflicts preview={shown} sides={sides(shown, me)} choices={choices} onChoose={(field, side) => setChoices({ ...choices, [field]: side })} />
            <Moves preview={shown} />
            <Gains preview={shown} />
          </Stack>
        )}
        <Fault error={confirm.error} />
        <Group>
          {shown && !preview.error && (
            <Button loading={confirm.isPending} disabled={preview.isPlaceholderData} onClick={() => confirm.mutate(shown)}>
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
          <Radio.Card key={user.id} value={user.id} p="md" aria-label={personName(t, user)}>
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

// Conflicts lets the person choose wherever the two differ, each value below
// the account that has it.
export function Conflicts(props: { preview: MergePreview; sides: MergeSide[]; choices: Record<string, MergeSide>; onChoose: (field: string, side: MergeSide) => void }) {
  const t = useT()
  const { preview, sides, choices } = props
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
          onChange={(side) => props.onChoose(conflict.field, side as MergeSide)}
        >
          <SimpleGrid cols={{ base: 1, sm: 2 }} mt={4}>
            {sides.map((side) => (
              <Radio
                key={side}
                value={side}
                label={<Name>{valueText(t, conflict[side])}</Name>}
                description={t.rich('merge.of', { name: <Name key="name">{personName(t, preview[side])}</Name> })}
              />
            ))}
          </SimpleGrid>
        </Radio.Group>
      ))}
    </Stack>
  )
}
