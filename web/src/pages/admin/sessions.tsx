import { Badge, NativeSelect } from '@mantine/core'
import { useState } from 'react'
import { api, data } from '../../api/client'
import { isProblem } from '../../api/problem'
import { keys, usePages } from '../../api/queries'
import type { SessionStatus, User } from '../../api/types'
import { providerName } from '../../auth/providers'
import { Section } from '../../components/section'
import { Listing, Name, Person, Time } from '../../components/show'
import { statusColor } from '../../components/status'
import { Table } from '../../components/table'
import { useT } from '../../i18n/language'
import { NoOperator } from './no-operator'

export function Sessions({ me }: { me: User }) {
  const t = useT()
  const [status, setStatus] = useState<SessionStatus | 'all'>('active')
  const list = usePages(keys.admin('sessions', status), (page) =>
    data(api.GET('/v1/admin/sessions', { params: { query: status === 'all' ? page : { ...page, status } } })),
  )
  if (isProblem(list.error, 'operator_required')) return <NoOperator me={me} />
  return (
    <Section
      title="Sessions"
      hint="Newest first."
      action={
        <NativeSelect
          aria-label="Which sessions to show"
          value={status}
          onChange={(event) => setStatus(event.currentTarget.value as SessionStatus | 'all')}
          data={[
            { value: 'active', label: 'Active' },
            { value: 'expired', label: 'Expired' },
            { value: 'revoked', label: 'Ended' },
            { value: 'all', label: 'All' },
          ]}
        />
      }
    >
      <Listing list={list} empty="None.">
        {(sessions) => (
          <Table
            label="Sessions"
            rows={sessions}
            rowKey={(session) => session.id}
            columns={[
              { label: 'User', cell: (session) => <Person user={session.user} {...(session.current ? { note: 'this browser' } : {})} /> },
              { label: 'Ways in', cell: (session) => session.methods.map((method) => providerName(t, method)).join(', ') },
              { label: 'Device', cell: (session) => <Name line>{session.device || 'Unknown'}</Name> },
              { label: 'Address', cell: (session) => <Name line>{session.ip}</Name> },
              { label: 'Signed in', cell: (session) => <Time at={session.created_at} /> },
              { label: 'Last seen', cell: (session) => <Time at={session.last_seen_at} /> },
              {
                label: 'Status',
                cell: (session) => (
                  <Badge variant="light" color={statusColor(session.status)}>
                    {session.status === 'revoked' ? 'ended' : session.status}
                  </Badge>
                ),
              },
            ]}
          />
        )}
      </Listing>
    </Section>
  )
}
