import { Stack, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from 'react-router'
import { api, data } from '../../../api/client'
import { keys, resetAllQueries, usePages } from '../../../api/queries'
import type { MyMerge } from '../../../api/types'
import { ConfirmButton } from '../../../components/confirm'
import { doneNow } from '../../../components/done'
import { Section } from '../../../components/section'
import { Listing, Name, personName, Time, useNow } from '../../../components/show'
import { Table } from '../../../components/table'
import { daysLeft } from '../../../components/time'
import { useT } from '../../../i18n/language'
import '../../../i18n/en/later/account'
import '../../../i18n/en/later/merge'

// Merges lists what became part of this account, and undoes it. Without any
// there is nothing to see.
export function Merges() {
  const t = useT()
  const client = useQueryClient()
  const navigate = useNavigate()
  const list = usePages(keys.merges, (query) => data(api.GET('/v1/me/merges', { params: { query } })))
  const undo = async (merge: MyMerge) => {
    await data(api.POST('/v1/me/merges/{merge}/undo', { params: { path: { merge: merge.id } } }))
    await navigate('/account/history', doneNow('undone'))
    await resetAllQueries(client)
  }
  if (!list.rows?.length && !list.error) return null
  return (
    <Section title={t('merge.listTitle')} hint={t('merge.listHint')}>
      <Listing list={list} empty="">
        {(merges) => (
          <Table
            label={t('merge.table')}
            rows={merges}
            rowKey={(merge) => merge.id}
            columns={[
              { label: t('methods.account'), cell: (merge) => <Source id={merge.id} /> },
              { label: t('merge.when'), cell: (merge) => <Time at={merge.confirmed_at} /> },
              {
                label: t('merge.state'),
                cell: (merge) => (merge.undone_at ? t.rich('merge.stateUndone', { time: <Time at={merge.undone_at} /> }) : t('merge.stateMerged')),
              },
              { label: t('merge.actions'), action: true, cell: (merge) => !merge.undone_at && <Undo merge={merge} action={() => undo(merge)} /> },
            ]}
          />
        )}
      </Listing>
    </Section>
  )
}

function Source({ id }: { id: string }) {
  const t = useT()
  const merge = useQuery({
    queryKey: [...keys.merges, id],
    queryFn: () => data(api.GET('/v1/me/merges/{merge}', { params: { path: { merge: id } } })),
    staleTime: Infinity,
  })
  return merge.data ? <Name line>{personName(t, merge.data.source)}</Name> : null
}

function Undo({ merge, action }: { merge: MyMerge; action: () => Promise<unknown> }) {
  const t = useT()
  const days = daysLeft(new Date(merge.undo_until), useNow())
  if (days === 0) {
    return (
      <Text size="xs" className="muted">
        {t('merge.undoOver')}
      </Text>
    )
  }
  return (
    <Stack gap={2} align="flex-start">
      <ConfirmButton label={t('merge.undo')} title={t('merge.undoTitle')} text={t('merge.undoText')} confirm={t('merge.undo')} intent={`undo:${merge.id}`} action={action} />
      <Text size="xs" className="muted">
        {t('merge.undoDays', { count: days })}
      </Text>
    </Stack>
  )
}
