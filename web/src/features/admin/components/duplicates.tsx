import { Button, Group, List, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, data } from '../../../api/client'
import { isProblem } from '../../../api/problem'
import { keys } from '../../../api/queries'
import type { Duplicate } from '../../../api/types'
import { Pages, usePaged } from '../../../components/paged'
import { PreviewConfirm } from '../../../components/preview-confirm'
import { Section } from '../../../components/section'
import { Select, SelectAll, useSelection } from '../../../components/selection'
import { Listing, Name, personName, WordsAlert } from '../../../components/show'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import { reasonWords } from '../../audit/reasons'
import { type Bulk, bulkOf, pairKey, stillAs } from '../bulk'
import { UserLink } from './links'
import { MergeDialog, mergeAsShown, previewMerge } from './merge'
import '../../../i18n/en/later/operator'

const idsOf = (pair: Duplicate): [string, string] => [pair.users[0]!.id, pair.users[1]!.id]

// Duplicates are users who may be one person: looked at one by one, or merged
// many at a time where nothing is gained by it.
export function Duplicates() {
  const t = useT()
  const client = useQueryClient()
  const [open, setOpen] = useState<[string, string]>()
  const [done, setDone] = useState<{ merged: number; failed: number }>()
  const list = usePaged(keys.admin('duplicates'), (page) => data(api.GET('/v1/admin/duplicates', { params: { query: page } })), { limit: 25 })
  const selection = useSelection(list.rows ?? [], pairKey)
  const { selected } = selection
  const preview = (): Promise<Bulk> => bulkOf(selected.map(idsOf), previewMerge)
  // One after the other: several may go into the same account.
  const merge = async (bulk: Bulk) => {
    let merged = 0
    const grown = new Set<string>()
    for (const shown of bulk.previews) {
      try {
        await mergeAsShown(grown.has(shown.survivor.id) ? await stillAs(shown, previewMerge) : shown)
        grown.add(shown.survivor.id)
        merged++
      } catch (error) {
        // Before anything was done the person may still confirm who they are.
        if (merged === 0 && isProblem(error, 'reauth_required')) throw error
      }
    }
    setDone({ merged, failed: bulk.previews.length - merged })
    selection.clear()
    await client.invalidateQueries({ queryKey: keys.operator })
  }
  const kind = (pair: Duplicate) => t(`operator.${pair.kind}`)
  return (
    <Section title={t('operator.duplicates')} hint={t('operator.duplicatesHint')}>
      <Group gap="xs" mih={30}>
        <SelectAll of={selection} />
        <PreviewConfirm
          label={t('operator.mergeSelected')}
          title={t('operator.bulkTitle')}
          disabled={selected.length === 0}
          preview={preview}
          confirm={({ previews }) => (previews.length > 0 ? t('operator.bulkConfirm', { count: previews.length }) : undefined)}
          action={merge}
        >
          {(bulk) => <BulkPlan bulk={bulk} />}
        </PreviewConfirm>
      </Group>
      {done && done.merged > 0 && (
        <WordsAlert kind="done" words={{ title: t('operator.bulkDone', { count: done.merged }), text: done.failed > 0 ? t('operator.bulkFailed', { count: done.failed }) : '' }} />
      )}
      {done && done.merged === 0 && <WordsAlert words={{ title: t('operator.bulkFailed', { count: done.failed }), text: t.words['merge_changed']!.text }} />}
      <Listing list={list} empty={t('operator.noDuplicates')}>
        {(pairs) => (
          <Table
            label={t('operator.duplicates')}
            rows={pairs}
            rowKey={pairKey}
            columns={[
              {
                label: t('list.select'),
                action: true,
                cell: (pair) => <Select of={selection} row={pair} label={t('operator.selectPair', { one: personName(t, pair.users[0]!), other: personName(t, pair.users[1]!) })} />,
              },
              {
                label: t('operator.pair'),
                cell: (pair) => (
                  <Stack gap={4}>
                    {pair.users.map((user) => (
                      <div key={user.id}>
                        <UserLink user={user} />
                        <Text size="xs" className="muted" component="div">
                          {user.primary_email ? <Name line>{user.primary_email}</Name> : <code title={user.id}>…{user.id.slice(-12)}</code>}
                        </Text>
                      </div>
                    ))}
                  </Stack>
                ),
              },
              {
                label: t('operator.reasonColumn'),
                cell: (pair) => (
                  <Stack gap={0}>
                    <span>{kind(pair)}</span>
                    {pair.kind === 'hint' && (
                      <Text size="xs" className="muted" component="div">
                        <Name>{reasonWords(t, pair.reason)}</Name>
                      </Text>
                    )}
                  </Stack>
                ),
              },
              {
                label: t('operator.preview'),
                action: true,
                cell: (pair) => (
                  <Button
                    variant="default"
                    size="xs"
                    aria-label={t('operator.previewOf', { one: personName(t, pair.users[0]!), other: personName(t, pair.users[1]!) })}
                    onClick={() => setOpen(idsOf(pair))}
                  >
                    {t('operator.preview')}
                  </Button>
                ),
              },
            ]}
          />
        )}
      </Listing>
      <Pages list={list} />
      {open && <MergeDialog ids={open} onClose={() => setOpen(undefined)} onMerged={() => setDone({ merged: 1, failed: 0 })} />}
    </Section>
  )
}

function BulkPlan({ bulk }: { bulk: Bulk }) {
  const t = useT()
  const { previews, ways, teams, sessions } = bulk
  return (
    <Stack gap="xs">
      <Text>{previews.length > 0 ? t('operator.bulkText', { count: previews.length }) : t('operator.bulkNothing')}</Text>
      {previews.length > 0 && (
        <>
          <List size="sm" withPadding mah={240} style={{ overflowY: 'auto' }}>
            {previews.map(({ id, source, survivor }) => (
              <List.Item key={id}>
                {t.rich('operator.bulkPair', { source: <Name key="source">{personName(t, source)}</Name>, survivor: <Name key="survivor">{personName(t, survivor)}</Name> })}
              </List.Item>
            ))}
          </List>
          <Text>{t('operator.bulkMoves', { ways, teams, sessions })}</Text>
        </>
      )}
      {bulk.gaining > 0 && <Text fw={600}>{t('operator.bulkGains', { count: bulk.gaining })}</Text>}
      {bulk.refused > 0 && <Text>{t('operator.bulkRefused', { count: bulk.refused })}</Text>}
    </Stack>
  )
}
