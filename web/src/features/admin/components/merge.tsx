import { Button, Group, Radio, SimpleGrid, Stack } from '@mantine/core'
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useChange } from '../../../api/change'
import { api, data } from '../../../api/client'
import { isProblem } from '../../../api/problem'
import { keys } from '../../../api/queries'
import type { MergePreview, MergeSide, UserSummary } from '../../../api/types'
import { withStepUp } from '../../../auth/step-up'
import { Dialog } from '../../../components/dialog'
import { Fault, Person, Waiting } from '../../../components/show'
import { useStepUp } from '../../../components/step-up-context'
import { useT } from '../../../i18n/language'
import { Conflicts, sides } from '../../merge/components/merge'
import { Gains, Moves } from '../../merge/components/merge-plan'
import '../../../i18n/en/later/operator'

// previewMerge writes nothing.
export function previewMerge(ids: readonly string[], survivor?: string, choices: Record<string, MergeSide> = {}): Promise<MergePreview> {
  return data(api.POST('/v1/admin/merges', { body: { user_ids: [...ids], choices, dry_run: true, ...(survivor ? { survivor_id: survivor } : {}) } }))
}

// mergeAsShown merges only what the preview showed.
export function mergeAsShown(shown: MergePreview, choices: Record<string, MergeSide> = {}): Promise<MergePreview> {
  const body = { user_ids: [shown.survivor.id, shown.source.id], survivor_id: shown.survivor.id, choices, fingerprint: shown.fingerprint }
  return data(api.POST('/v1/admin/merges', { body }))
}

// MergeDialog shows what a merge of two users would do, and does it.
export function MergeDialog({ ids, onClose, onMerged }: { ids: readonly [string, string]; onClose: () => void; onMerged?: (merged: MergePreview) => void }) {
  const t = useT()
  return (
    <Dialog opened onClose={onClose} title={t('operator.previewTitle')} size="xl" centered={false}>
      <Plan ids={ids} onClose={onClose} {...(onMerged ? { onMerged } : {})} />
    </Dialog>
  )
}

const idEnd = (user: UserSummary) => '…' + user.id.slice(-12)

function Plan({ ids, onClose, onMerged }: React.ComponentProps<typeof MergeDialog>) {
  const t = useT()
  const client = useQueryClient()
  const stepUp = useStepUp()
  const [survivor, setSurvivor] = useState<string>()
  const [choices, setChoices] = useState<Record<string, MergeSide>>({})
  const preview = useQuery({
    queryKey: ['merge preview', ids, survivor, choices],
    queryFn: async () => {
      const shown = await withStepUp(
        () => previewMerge(ids, survivor, choices),
        () => stepUp(),
      )
      if (!shown) onClose()
      return shown ?? null
    },
    placeholderData: keepPreviousData,
    staleTime: 0,
    gcTime: 0,
    retry: false,
  })
  const merge = useChange({
    mutationFn: (shown: MergePreview) =>
      withStepUp(
        () => mergeAsShown(shown, choices),
        () => stepUp(),
      ),
    onSuccess: async (merged) => {
      if (!merged) return
      onClose()
      onMerged?.(merged)
      await client.invalidateQueries({ queryKey: keys.operator })
    },
    onError: (error) => {
      if (isProblem(error, 'merge_changed')) void preview.refetch()
    },
  })
  const shown = preview.data
  return (
    <Stack gap="lg" mih={240}>
      {preview.isPending && <Waiting />}
      <Fault error={preview.error} />
      {shown && !preview.error && (
        <Stack gap="lg" aria-busy={preview.isFetching}>
          <Radio.Group
            label={t('operator.survivor')}
            description={t('operator.survivorHint')}
            value={shown.survivor.id}
            onChange={(id) => {
              setChoices({})
              setSurvivor(id)
            }}
          >
            <SimpleGrid cols={{ base: 1, sm: 2 }} mt="xs">
              {sides(shown, ids[0])
                .map((side) => shown[side])
                .map((user) => (
                  <Radio.Card key={user.id} value={user.id} p="md">
                    <Group wrap="nowrap" align="flex-start">
                      <Radio.Indicator />
                      <Stack gap={0} miw={0}>
                        <Person user={user} />
                        <code>{idEnd(user)}</code>
                      </Stack>
                    </Group>
                  </Radio.Card>
                ))}
            </SimpleGrid>
          </Radio.Group>
          <Conflicts preview={shown} sides={sides(shown, ids[0])} apart={idEnd} choices={choices} onChoose={(field, side) => setChoices({ ...choices, [field]: side })} />
          <Moves preview={shown} />
          <Gains preview={shown} />
        </Stack>
      )}
      <Fault error={merge.error} />
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {t('common.cancel')}
        </Button>
        {shown && !preview.error && (
          <Button color="red" loading={merge.isPending} disabled={preview.isPlaceholderData} onClick={() => merge.mutate(shown)}>
            {t('operator.confirmMerge')}
          </Button>
        )}
      </Group>
    </Stack>
  )
}
