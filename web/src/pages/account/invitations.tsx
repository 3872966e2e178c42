import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from 'react-router'
import { api, data } from '../../api/client'
import { keys, useMyInvitations } from '../../api/queries'
import type { MyInvitation } from '../../api/types'
import { Section } from '../../components/section'
import { Fault, Listing, Name, Time } from '../../components/show'
import { shortAddress } from '../../wallet/types'

// Invitations shows open invitations; without any there is nothing to see.
export function Invitations() {
  const list = useMyInvitations()
  if (list.rows?.length === 0) return null
  return (
    <Section title="Invitations" hint="Teams that invited an address or a wallet of yours.">
      <Listing list={list} empty="">
        {(invitations) => (
          <Stack>
            {invitations.map((invitation) => (
              <Row key={invitation.id} invitation={invitation} />
            ))}
          </Stack>
        )}
      </Listing>
    </Section>
  )
}

function Row({ invitation }: { invitation: MyInvitation }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const params = { params: { path: { invitation: invitation.id } } }
  const accept = useMutation({
    mutationFn: () => data(api.POST('/v1/me/invitations/{invitation}/accept', params)),
    onSuccess: async (team) => {
      await client.invalidateQueries({ queryKey: keys.teams })
      void client.invalidateQueries({ queryKey: keys.invitations })
      await navigate(`/teams/${team.id}`)
    },
  })
  const decline = useMutation({
    mutationFn: () => data(api.POST('/v1/me/invitations/{invitation}/decline', params)),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.invitations }),
  })
  const busy = accept.isPending || decline.isPending
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Stack gap={0} flex="1 1 14rem" miw={0}>
          <Text component="div" fw={600}>
            <Name>{invitation.team_name}</Name>
          </Text>
          <Text size="sm" className="muted" component="div">
            as {invitation.role}, for <Name>{invitation.email ?? shortAddress(invitation.wallet ?? '')}</Name>, open until <Time at={invitation.expires_at} />
          </Text>
        </Stack>
        <Group gap="xs">
          <Button loading={accept.isPending} disabled={busy} onClick={() => accept.mutate()} aria-label={`Accept the invitation to ${invitation.team_name}`}>
            Accept
          </Button>
          <Button variant="default" loading={decline.isPending} disabled={busy} onClick={() => decline.mutate()} aria-label={`Decline the invitation to ${invitation.team_name}`}>
            Decline
          </Button>
        </Group>
      </Group>
      <Fault error={accept.error ?? decline.error} />
    </Stack>
  )
}
