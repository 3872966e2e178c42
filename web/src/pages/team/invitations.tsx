import { Button, Group, NativeSelect, Stack, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { api, data } from '../../api/client'
import { keys, usePages } from '../../api/queries'
import type { Invitation, Role, Team } from '../../api/types'
import { ConfirmButton } from '../../components/confirm'
import { Section } from '../../components/section'
import { Fault, Listing, Name, Time } from '../../components/show'
import { Table } from '../../components/table'
import { shortAddress } from '../../wallet/types'
import { readInvitee } from './invitee'
import { assignable } from './roles'

const hint =
  'Only who owns the verified address or the wallet can accept, on their own account page after signing in. No mail is sent yet: tell them yourself.'

export function Invitations({ team }: { team: Team }) {
  const client = useQueryClient()
  const list = usePages(keys.teamInvitations(team.id), (query) =>
    data(api.GET('/v1/teams/{team}/invitations', { params: { path: { team: team.id }, query } })),
  )
  const refresh = () => client.invalidateQueries({ queryKey: keys.teamInvitations(team.id) })
  const takeBack = async (invitation: Invitation) => {
    await data(api.DELETE('/v1/teams/{team}/invitations/{invitation}', { params: { path: { team: team.id, invitation: invitation.id } } }))
    await refresh()
  }
  return (
    <Section title="Invitations" hint={hint}>
      <Invite team={team} onInvited={refresh} />
      <Listing list={list} empty="No open invitation.">
        {(invitations) => (
          <Table
            label="Open invitations"
            rows={invitations}
            rowKey={(invitation) => invitation.id}
            columns={[
              {
                label: 'Invited',
                cell: ({ email, wallet }) => (wallet ? <code title={wallet}>{shortAddress(wallet)}</code> : <Name line>{email ?? ''}</Name>),
              },
              { label: 'As', cell: (invitation) => invitation.role },
              { label: 'Open until', cell: (invitation) => <Time at={invitation.expires_at} /> },
              {
                label: 'Take back',
                action: true,
                cell: (invitation) => (
                  <Group>
                    <ConfirmButton
                      label="Take back"
                      accessibleLabel={`Take back the invitation of ${invitation.email ?? invitation.wallet}`}
                      title="Take this invitation back?"
                      text="It can no longer be accepted. You can invite again at any time."
                      confirm="Take it back"
                      action={() => takeBack(invitation)}
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

function Invite({ team, onInvited }: { team: Team; onInvited: () => Promise<void> }) {
  const [typed, setTyped] = useState('')
  const [role, setRole] = useState<Role>('member')
  const [wrong, setWrong] = useState(false)
  const invite = useMutation({
    mutationFn: async () => {
      const invitee = readInvitee(typed)
      if (!invitee) return setWrong(true)
      await data(api.POST('/v1/teams/{team}/invitations', { params: { path: { team: team.id } }, body: { ...invitee, role } }))
      setTyped('')
      await onInvited()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    invite.mutate()
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="sm">
        <Group align="flex-start">
          <TextInput
            label="E-mail or wallet address"
            placeholder="ann@example.com or 0x…"
            flex="1 1 16rem"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            maxLength={320}
            value={typed}
            error={wrong && 'Type an e-mail address, or 0x and the 40 characters of a wallet address.'}
            onChange={(event) => {
              setWrong(false)
              setTyped(event.currentTarget.value)
            }}
          />
          <NativeSelect label="Role" w={120} data={assignable(team.role)} value={role} onChange={(event) => setRole(event.currentTarget.value as Role)} />
          <Button type="submit" loading={invite.isPending} disabled={!typed.trim()} mt={25}>
            Invite
          </Button>
        </Group>
        <Fault error={invite.error} />
      </Stack>
    </form>
  )
}
