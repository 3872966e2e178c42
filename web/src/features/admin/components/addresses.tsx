import { useQuery, useQueryClient } from '@tanstack/react-query'
import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'
import { providerName } from '../../../auth/providers'
import { Address } from '../../../components/address'
import { Section } from '../../../components/section'
import { Listing, Time } from '../../../components/show'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import { ReasonConfirm } from './reason-confirm'
import '../../../i18n/en/later/account'
import '../../../i18n/en/later/operator'

// Addresses lists what a user has verified, and removes one.
export function Addresses({ user }: { user: string }) {
  const t = useT()
  const client = useQueryClient()
  const list = useQuery({
    queryKey: keys.admin('user emails', user),
    queryFn: async () => (await data(api.GET('/v1/admin/users/{user}/emails', { params: { path: { user } } }))).data,
  })
  return (
    <Section title={t('addresses.title')}>
      <Listing list={{ ...list, rows: list.data }} empty={t('addresses.none')}>
        {(rows) => (
          <Table
            label={t('addresses.title')}
            rows={rows}
            rowKey={(row) => row.address}
            columns={[
              { label: t('addresses.address'), cell: (row) => <Address of={row} /> },
              { label: t('addresses.by'), cell: (row) => providerName(t, row.source) },
              { label: t('addresses.verified'), cell: (row) => <Time at={row.verified_at} /> },
              {
                label: t('addresses.remove'),
                action: true,
                cell: ({ address }) => (
                  <ReasonConfirm
                    label={t('addresses.remove')}
                    accessibleLabel={t('addresses.removeOf', { address })}
                    title={t('addresses.removeTitle')}
                    text={t('operator.removeAddressText', { address })}
                    confirm={t('addresses.remove')}
                    intent={`remove address ${address}`}
                    action={async (reason) => {
                      const path = { params: { path: { user, address }, query: reason ? { reason } : {} } }
                      await data(api.DELETE('/v1/admin/users/{user}/emails/{address}', path))
                      await client.invalidateQueries({ queryKey: keys.operator })
                    }}
                  />
                ),
              },
            ]}
          />
        )}
      </Listing>
    </Section>
  )
}
