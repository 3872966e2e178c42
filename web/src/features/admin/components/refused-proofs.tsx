import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'
import type { AdminUser } from '../../../api/types'
import { providerName } from '../../../auth/providers'
import { Section } from '../../../components/section'
import { Name, Time, WordsAlert } from '../../../components/show'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import { ReasonConfirm } from './reason-confirm'
import '../../../i18n/en/later/account'
import '../../../i18n/en/later/audit'
import '../../../i18n/en/later/operator'

// RefusedProofs lists the sign-in methods that were refused for an address of the
// user, where there are any, and lets one ask to be linked.
export function RefusedProofs({ user }: { user: AdminUser }) {
  const t = useT()
  const path = { params: { path: { user: user.id } } }
  const list = useQuery({
    queryKey: keys.admin('user refused', user.id),
    queryFn: async () => (await data(api.GET('/v1/admin/users/{user}/refused-proofs', path))).data,
    enabled: user.status === 'active' && !user.operator,
  })
  const [granted, setGranted] = useState(false)
  if (!list.data?.length) return null
  return (
    <Section title={t('operator.refused')} hint={t('operator.refusedHint')}>
      {granted && <WordsAlert kind="done" words={{ title: t('operator.grantedTitle'), text: t('operator.grantedText') }} />}
      <Table
        label={t('operator.refused')}
        rows={list.data}
        rowKey={(row) => `${row.provider} ${row.subject}`}
        columns={[
          { label: t('operator.way'), cell: (row) => providerName(t, row.provider) },
          { label: t('operator.account'), cell: (row) => <Name>{row.subject}</Name> },
          { label: t('addresses.address'), cell: (row) => <Name>{row.address}</Name> },
          { label: t('audit.when'), cell: (row) => <Time at={row.refused_at} /> },
          {
            label: t('operator.grant'),
            action: true,
            cell: (row) => (
              <ReasonConfirm
                label={t('operator.grant')}
                accessibleLabel={t('operator.grantOf', { provider: providerName(t, row.provider), subject: row.subject })}
                title={t('operator.grantTitle')}
                text={t.rich('operator.grantText', { provider: providerName(t, row.provider), address: <Name key="address">{row.address}</Name> })}
                confirm={t('operator.grantConfirm')}
                intent={`grant ${row.provider} ${row.subject}`}
                required
                action={async (reason) => {
                  await data(api.POST('/v1/admin/users/{user}/link-grants', { ...path, body: { provider: row.provider, subject: row.subject, reason } }))
                  setGranted(true)
                }}
              />
            ),
          },
        ]}
      />
    </Section>
  )
}
