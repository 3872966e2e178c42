import { Badge, Group, NativeSelect, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, data } from '../../api/client'
import { keys, usePages } from '../../api/queries'
import type { SessionStatus, Team, TeamSession } from '../../api/types'
import { providerName } from '../../auth/providers'
import { ConfirmButton } from '../../components/confirm'
import { Section } from '../../components/section'
import { Listing, Name, Person, personName, Time } from '../../components/show'
import { statusColor } from '../../components/status'
import { Table } from '../../components/table'
import { useT } from '../../i18n/language'

// How soon a session opened or ended elsewhere shows here.
const lookAgain = 5_000

export function Sessions({ team }: { team: Team }) {
  const t = useT()
  const [status, setStatus] = useState<SessionStatus | 'all'>('active')
  const client = useQueryClient()
  const list = usePages(
    keys.teamSessions(team.id, status),
    (page) =>
      data(api.GET('/v1/teams/{team}/sessions', { params: { path: { team: team.id }, query: status === 'all' ? page : { ...page, status } } })),
    { refetchInterval: lookAgain },
  )
  const revoke = async (session: TeamSession) => {
    await data(api.DELETE('/v1/teams/{team}/sessions/{session}', { params: { path: { team: team.id, session: session.id } } }))
    await Promise.all([client.invalidateQueries({ queryKey: keys.team(team.id) }), client.invalidateQueries({ queryKey: keys.session })])
  }
  return (
    <Section
      title="Sessions"
      hint="Who is in this team, from where, and how they proved who they are."
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
      <Listing list={list} empty={status === 'active' ? 'Nobody is in the team right now. Enter it yourself to see how it looks.' : 'None.'}>
        {(sessions) => (
          <Table
            label="Team sessions"
            rows={sessions}
            rowKey={(session) => session.id}
            columns={[
              { label: 'Member', cell: (session) => <Person user={session.user} {...(session.current ? { note: 'this browser' } : {})} /> },
              { label: 'Role', cell: (session) => session.role ?? 'no member' },
              { label: 'Ways in', cell: (session) => session.methods.map((method) => providerName(t, method)).join(', ') },
              { label: 'Device', cell: (session) => <Name line>{session.device || 'Unknown'}</Name> },
              { label: 'Address', cell: (session) => <Name line>{session.ip}</Name> },
              { label: 'Last seen', cell: (session) => <Time at={session.last_seen_at} /> },
              {
                label: 'Status',
                cell: (session) => (
                  <Badge variant="light" color={statusColor(session.status)}>
                    {session.status === 'revoked' ? 'ended' : session.status}
                  </Badge>
                ),
              },
              { label: 'End', action: true, cell: (session) => session.status === 'active' && <End session={session} onEnd={() => revoke(session)} /> },
            ]}
          />
        )}
      </Listing>
    </Section>
  )
}

function End({ session, onEnd }: { session: TeamSession; onEnd: () => Promise<void> }) {
  const t = useT()
  const name = personName(t, session.user)
  return (
    <Group>
      <ConfirmButton
        label="End"
        accessibleLabel={`End the session of ${name} on ${session.device}`}
        title="End this team session?"
        text={
          <>
            <Name>{name}</Name> leaves the team on {session.device || 'that device'} at once. <Text span>They stay a member and can enter again.</Text>
          </>
        }
        confirm="End session"
        action={onEnd}
      />
    </Group>
  )
}
