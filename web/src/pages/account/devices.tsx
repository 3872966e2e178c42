import { Badge, Group, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { api, data } from '../../api/client'
import { keys, usePages } from '../../api/queries'
import type { Session } from '../../api/types'
import { providerName } from '../../auth/providers'
import { ConfirmButton } from '../../components/confirm'
import { Section } from '../../components/section'
import { Listing, Name, Time } from '../../components/show'
import { Table } from '../../components/table'

export function Devices() {
  const client = useQueryClient()
  const list = usePages(keys.devices, (query) => data(api.GET('/v1/me/sessions', { params: { query } })))
  const refresh = () => client.invalidateQueries({ queryKey: keys.devices })
  const endOne = async (session: Session) => {
    await data(api.DELETE('/v1/me/sessions/{session}', { params: { path: { session: session.id } } }))
    await refresh()
  }
  const endOthers = async () => {
    await data(api.DELETE('/v1/me/sessions', { params: { query: { others: true } } }))
    await refresh()
  }
  const others = (list.rows?.length ?? 0) > 1
  return (
    <Section
      title="Devices"
      hint="Where you are signed in. End what you do not know."
      action={
        others && (
          <ConfirmButton
            label="End all others"
            title="End all other sessions?"
            text="Every other browser and device has to sign in again. This one stays."
            confirm="End all others"
            action={endOthers}
          />
        )
      }
    >
      <Listing list={list} empty="No session.">
        {(sessions) => (
          <Table
            label="Devices"
            rows={sessions}
            rowKey={(session) => session.id}
            columns={[
              {
                label: 'Device',
                cell: (session) => (
                  <Stack gap={0}>
                    <Name line>{session.device || 'Unknown device'}</Name>
                    {session.current && (
                      <Badge variant="light" color="teal">
                        this one
                      </Badge>
                    )}
                  </Stack>
                ),
              },
              { label: 'Signed in by', cell: (session) => session.methods.map(providerName).join(', ') },
              { label: 'Address', cell: (session) => <Name line>{session.ip}</Name> },
              { label: 'Last seen', cell: (session) => <Time at={session.last_seen_at} /> },
              {
                label: 'End',
                action: true,
                cell: (session) =>
                  session.current ? (
                    <Text size="sm" className="muted">
                      sign out above
                    </Text>
                  ) : (
                    <Group>
                      <ConfirmButton
                        label="End"
                        accessibleLabel={`End the session on ${session.device}, ${session.ip}`}
                        title="End this session?"
                        text={`${session.device || 'That device'} has to sign in again.`}
                        confirm="End session"
                        action={() => endOne(session)}
                      />
                    </Group>
                  ),
              },
            ]}
          />
        )}
      </Listing>
    </Section>
  )
}
