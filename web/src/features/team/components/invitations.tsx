import { Badge, Button, Group, NativeSelect, Stack, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useChange } from '../../../api/change'
import { api, data } from '../../../api/client'
import { keys, usePages, useProviders } from '../../../api/queries'
import type { Invitation, Role, Team } from '../../../api/types'
import { withStepUp } from '../../../auth/step-up'
import { ConfirmButton } from '../../../components/confirm'
import { useOptimistic } from '../../../components/optimistic'
import { Section } from '../../../components/section'
import { Fault, Listing, Name, Time, WordsAlert } from '../../../components/show'
import { typedFor, useResumed, useStepUp } from '../../../components/step-up-context'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import { shortAddress } from '../../../wallet/types'
import { readInvitee } from '../invitee'
import { assignable } from '../roles'
import '../../../i18n/en/later/team'

export function Invitations({ team }: { team: Team }) {
  const t = useT()
  const client = useQueryClient()
  const list = usePages(keys.teamInvitations(team.id), (query) => data(api.GET('/v1/teams/{team}/invitations', { params: { path: { team: team.id }, query } })))
  const refresh = () => client.invalidateQueries({ queryKey: keys.teamInvitations(team.id) })
  const takeBack = useOptimistic<Invitation, string>({
    list: keys.teamInvitations(team.id),
    change: (invitations, id) => invitations.filter((invitation) => invitation.id !== id),
    send: (invitation) => data(api.DELETE('/v1/teams/{team}/invitations/{invitation}', { params: { path: { team: team.id, invitation } } })),
  })
  const providers = useProviders()
  // Where people sign in by e-mail, mail leaves.
  const mails = providers.data?.some((provider) => provider.kind === 'email')
  return (
    <Section title={t('team.invitations')} hint={`${t('team.invitationsHint')} ${mails === undefined ? '' : t(mails ? 'team.mailOn' : 'team.mailOff')}`}>
      <Invite team={team} onInvited={refresh} />
      <Fault error={takeBack.error} />
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
              {
                label: t('team.openUntil'),
                cell: ({ expires_at, void_reason }) =>
                  void_reason ? (
                    <Badge variant="light" color="orange" miw="max-content" title={t('team.voidHint')}>
                      {t(`team.void_${void_reason}`)}
                    </Badge>
                  ) : (
                    <Time at={expires_at} />
                  ),
              },
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
                      intent={`take back ${invitation.id}`}
                      action={() => takeBack.mutateAsync(invitation.id)}
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
  const stepUp = useStepUp()
  const intent = `invite ${team.id}`
  const [typed, setTyped] = useState(() => typedFor(intent))
  useResumed(intent)
  const [role, setRole] = useState<Role>('member')
  const [wrong, setWrong] = useState(false)
  const invite = useChange({
    mutationFn: async () => {
      const invitee = readInvitee(typed)
      if (!invitee) {
        setWrong(true)
        return undefined
      }
      const send = () => data(api.POST('/v1/teams/{team}/invitations', { params: { path: { team: team.id } }, body: { ...invitee, role } }))
      const invitation = await withStepUp(send, () => stepUp(intent, typed))
      if (!invitation) return undefined
      setTyped('')
      await onInvited()
      return invitation
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
          <NativeSelect
            label={t('team.role')}
            w={130}
            data={assignable(team.role).map((role) => ({ value: role, label: t(`common.${role}`) }))}
            value={role}
            onChange={(event) => setRole(event.currentTarget.value as Role)}
          />
          <Button type="submit" loading={invite.isPending} disabled={!typed.trim()} mt={25}>
            {t('team.invite')}
          </Button>
        </Group>
        <Fault error={invite.error} />
        {invite.data && <Invited invitation={invite.data} />}
      </Stack>
    </form>
  )
}

// Invited says what the invited person hears of it.
function Invited({ invitation: { email, wallet, mail } }: { invitation: Invitation }) {
  const t = useT()
  return <WordsAlert kind="done" words={{ title: t('team.invitedTitle', { invitee: email ?? shortAddress(wallet ?? '') }), text: t(`team.invited_${mail ?? 'wallet'}`) }} />
}
