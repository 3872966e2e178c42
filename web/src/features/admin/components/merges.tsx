import { useQueryClient } from '@tanstack/react-query'
import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'
import type { MergeRecord } from '../../../api/types'
import { ConfirmButton } from '../../../components/confirm'
import { Pages, usePaged } from '../../../components/paged'
import { Section } from '../../../components/section'
import { Listing, personName, Time, useNow } from '../../../components/show'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import { Party, UserLink } from './links'
import '../../../i18n/en/later/operator'

// Merges lists all, or those of one user.
export function Merges({ user }: { user?: string }) {
  const t = useT()
  const client = useQueryClient()
  const now = useNow()
  const list = usePaged(keys.admin('merges', user ?? ''), (page) => data(api.GET('/v1/admin/merges', { params: { query: { ...page, ...(user ? { user_id: user } : {}) } } })), {
    limit: 25,
  })
  const undo = async (merge: MergeRecord) => {
    await data(api.POST('/v1/admin/merges/{merge}/undo', { params: { path: { merge: merge.id } } }))
    await client.invalidateQueries({ queryKey: keys.operator })
  }
  return (
    <Section title={t('operator.merges')} hint={t('operator.newestFirst')}>
      <Listing list={list} empty={t('operator.noMerges')}>
        {(merges) => (
          <Table
            label={t('operator.merges')}
            rows={merges}
            rowKey={(merge) => merge.id}
            columns={[
              { label: t('operator.source'), cell: (merge) => <UserLink user={merge.source} /> },
              { label: t('operator.stays'), cell: (merge) => <UserLink user={merge.survivor} /> },
              { label: t('operator.by'), cell: (merge) => (merge.actor_id ? <Party id={merge.actor_id} party={merge.actor} /> : t('operator.byService')) },
              { label: t('operator.when'), cell: (merge) => <Time at={merge.confirmed_at} /> },
              { label: t('operator.undoUntil'), cell: (merge) => (merge.undone_at ? t('operator.undone') : <Time at={merge.undo_until} />) },
              {
                label: t('operator.undo'),
                action: true,
                cell: (merge) =>
                  !merge.undone_at &&
                  Date.parse(merge.undo_until) > now.getTime() && (
                    <ConfirmButton
                      label={t('operator.undo')}
                      accessibleLabel={t('operator.undoOf', { name: personName(t, merge.source) })}
                      title={t('operator.undoTitle')}
                      text={t('operator.undoText')}
                      confirm={t('operator.undo')}
                      intent={`undo ${merge.id}`}
                      action={() => undo(merge)}
                    />
                  ),
              },
            ]}
          />
        )}
      </Listing>
      <Pages list={list} />
    </Section>
  )
}
