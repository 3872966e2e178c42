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
import { useT } from '../../i18n/language'
import { shortAddress } from '../../wallet/types'
import { readInvitee } from './invitee'
import { assignable } from './roles'

export function Invitations({ team }: { team: Team }) {
  const t = useT()
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
    <Section title={t('team.invitations')} hint={t('team.invitationsHint')}>
      <Invite team={team} onInvited={refresh} />
      <Listing list={list} empty={t('team.noInvitation')}>
        {(invitations) => (
          <Table
            label={t('team.openInvitations')}
            rows={invitations}
            rowKey={(invitation) => invitation.id}
            columns={[
              {
                label: t('team.invited'),
                cell: ({ email, wallet }) => (wallet ? <code title={wallet}>{shortAddress(wallet)}</code> : <Name line>{email ?? ''}</Name>),
              },
              { label: t('team.as'), cell: (invitation) => t(`common.${invitation.role}`) },
              { label: t('team.openUntil'), cell: (invitation) => <Time at={invitation.expires_at} /> },
              {
                label: t('team.takeBack'),
                action: true,
                cell: (invitation) => (
                  <Group>
                    <ConfirmButton
                      label={t('team.takeBack')}
                      accessibleLabel={t('team.takeBackOf', { invitee: invitation.email ?? invitation.wallet ?? '' })}
                      title={t('team.takeBackTitle')}
                      text={t('team.takeBackText')}
                      confirm={t('team.takeBackConfirm')}
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
  const t = useT()
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
            label={t('team.invitee')}
            placeholder={t('team.inviteePlaceholder')}
            flex="1 1 16rem"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            maxLength={320}
            value={typed}
            error={wrong && t('team.inviteeWrong')}
            onChange={(event) => {
              setWrong(false)
              setTyped(event.currentTarget.value)
            }}
          />
          <NativeSelect label={t('team.role')} w={130} data={assignable(team.role).map((role) => ({ value: role, label: t(`common.${role}`) }))} value={role} onChange={(event) => setRole(event.currentTarget.value as Role)} />
          <Button type="submit" loading={invite.isPending} disabled={!typed.trim()} mt={25}>
            {t('team.invite')}
          </Button>
        </Group>
        <Fault error={invite.error} />
      </Stack>
    </form>
  )
}
