import { Badge, Button, Group, NativeSelect, Stack, Textarea } from '@mantine/core'
import { useClipboard } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useChange } from '../../../api/change'
import { api, data } from '../../../api/client'
import { isProblem } from '../../../api/problem'
import { keys, usePages, useProviders } from '../../../api/queries'
import type { Invitation, Role, Team } from '../../../api/types'
import { withStepUp } from '../../../auth/step-up'
import { wordsForError } from '../../../auth/words'
import { ConfirmButton } from '../../../components/confirm'
import { useOptimistic } from '../../../components/optimistic'
import { Section } from '../../../components/section'
import { Fault, Listing, Name, Time, WordsAlert } from '../../../components/show'
import { typedFor, useResumed, useStepUp } from '../../../components/step-up-context'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import { shortAddress } from '../../../wallet/types'
import { type Invitee, mostInvitees, readInvitees } from '../invitee'
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
            compact
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
                  <Group gap={6} justify="flex-end" className="row-actions">
                    <CopyLink invitee={invitation.email ?? invitation.wallet ?? ''} />
                    {/* No mail goes to a wallet, and none where the service sends none. */}
                    {invitation.email && mails && <Resend team={team} invitation={invitation} onDone={refresh} />}
                    <ConfirmButton
                      label={t('team.takeBack')}
                      accessibleLabel={t('team.takeBackOf', { invitee: invitation.email ?? invitation.wallet ?? '' })}
                      title={t('team.takeBackTitle')}
                      text={t('team.takeBackText')}
                      confirm={t('team.takeBackConfirm')}
                      intent={`cancel ${invitation.id}`}
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
  const [wrong, setWrong] = useState<{ wrong?: string; tooMany?: number }>()
  const invite = useChange({
    mutationFn: async () => {
      const { invitees, ...no } = readInvitees(typed)
      setWrong(no)
      if (invitees.length === 0) return undefined
      const send = (invitee: Invitee) => data(api.POST('/v1/teams/{team}/invitations', { params: { path: { team: team.id } }, body: { ...invitee, role } }))
      const out: Sent = { invited: [], refused: [] }
      let left: string[] = [] // of a person who did not go on
      const again = (rest: string[]) => setTyped([...out.refused.map(({ invitee }) => invitee), ...rest].join('\n'))
      for (const [i, invitee] of invitees.entries()) {
        const rest = invitees.slice(i).map(nameOf)
        try {
          const invitation = await withStepUp(
            () => send(invitee),
            () => stepUp(intent, rest.join('\n')),
          )
          if (!invitation) {
            left = rest
            break
          }
          out.invited.push(invitation)
        } catch (error) {
          // One who cannot be invited does not keep the others from it.
          const skip = invitees.length > 1 && (isProblem(error, 'already_member') || isProblem(error, 'already_invited') || isProblem(error, 'invalid_email'))
          if (!skip) {
            if (out.invited.length > 0) await onInvited()
            again(rest)
            throw error
          }
          out.refused.push({ invitee: nameOf(invitee), error })
        }
      }
      again(left)
      if (out.invited.length > 0) await onInvited()
      return out
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
          <Textarea
            label={t('team.invitee')}
            description={t('team.inviteeMany')}
            autosize
            minRows={1}
            maxRows={6}
            placeholder={t('team.inviteePlaceholder')}
            flex="1 1 16rem"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            maxLength={30_000}
            value={typed}
            error={
              (wrong?.wrong !== undefined && t('team.inviteeWrong', { line: wrong.wrong.slice(0, 60) })) ||
              (wrong?.tooMany !== undefined && t('team.inviteeTooMany', { count: wrong.tooMany, most: mostInvitees }))
            }
            onChange={(event) => {
              setWrong(undefined)
              setTyped(event.currentTarget.value)
            }}
          />
          <NativeSelect
            label={t('team.role')}
            description={'\u00a0'}
            w={130}
            data={assignable(team.role).map((role) => ({ value: role, label: t(`common.${role}`) }))}
            value={role}
            onChange={(event) => setRole(event.currentTarget.value as Role)}
          />
          <Button type="submit" loading={invite.isPending} disabled={!typed.trim()} mt={44}>
            {t('team.invite')}
          </Button>
        </Group>
        <Fault error={invite.error} />
        {invite.data && <Invited {...invite.data} />}
      </Stack>
    </form>
  )
}

interface Sent {
  invited: Invitation[]
  refused: { invitee: string; error: unknown }[]
}

const nameOf = (invitee: Invitee) => ('email' in invitee ? invitee.email : invitee.wallet)

// Invited says who was invited, what they hear of it, and who was not.
function Invited({ invited, refused }: Sent) {
  const t = useT()
  const [first, second] = invited
  return (
    <>
      {first && !second && <InvitedOne invitation={first} />}
      {second && (
        <WordsAlert
          kind="done"
          words={{
            title: t('team.invitedCount', { count: invited.length }),
            text: t(`team.invited_${invited.find(({ mail }) => mail !== 'queued')?.mail ?? first!.mail ?? 'wallet'}`),
          }}
        />
      )}
      {refused.map(({ invitee, error }) => (
        <WordsAlert key={invitee} words={{ title: t('team.notInvited', { invitee }), text: wordsForError(t, error)?.title ?? '' }} />
      ))}
    </>
  )
}

// CopyLink copies the address where the invitation is accepted.
function CopyLink({ invitee }: { invitee: string }) {
  const t = useT()
  const { copied, copy } = useClipboard()
  return (
    <Button variant="default" size="xs" aria-label={t('team.copyLinkOf', { invitee })} onClick={() => copy(`${location.origin}/account?invited=1`)}>
      {t(copied ? 'common.copied' : 'team.copyLink')}
    </Button>
  )
}

// Resend replaces an invitation by a new one, which is mailed.
function Resend({ team, invitation, onDone }: { team: Team; invitation: Invitation; onDone: () => Promise<unknown> }) {
  const t = useT()
  const stepUp = useStepUp()
  const resend = useChange({
    mutationFn: () =>
      withStepUp(
        () => data(api.POST('/v1/teams/{team}/invitations/{invitation}/resend', { params: { path: { team: team.id, invitation: invitation.id } } })),
        () => stepUp(),
      ),
    onSettled: onDone,
  })
  return (
    <>
      <Button
        variant="default"
        size="xs"
        loading={resend.isPending}
        aria-label={t('team.resendOf', { invitee: invitation.email ?? invitation.wallet ?? '' })}
        onClick={() => resend.mutate()}
      >
        {t('team.resend')}
      </Button>
      <Fault error={resend.error} />
    </>
  )
}

function InvitedOne({ invitation: { email, wallet, mail } }: { invitation: Invitation }) {
  const t = useT()
  return <WordsAlert kind="done" words={{ title: t('team.invitedTitle', { invitee: email ?? shortAddress(wallet ?? '') }), text: t(`team.invited_${mail ?? 'wallet'}`) }} />
}
