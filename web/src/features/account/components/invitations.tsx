import { Button, Group, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearchParams } from 'react-router'
import { navigationPending, useChange } from '../../../api/change'
import { api, data } from '../../../api/client'
import { keys, useMyInvitations } from '../../../api/queries'
import type { MyInvitation } from '../../../api/types'
import { Section } from '../../../components/section'
import { Fault, Listing, Name, Time, WordsAlert } from '../../../components/show'
import { useT } from '../../../i18n/language'
import { shortAddress } from '../../../wallet/types'
import '../../../i18n/en/later/account'

// Invitations shows open invitations; without any there is nothing to see, and
// nothing that goes away again while they load.
export function Invitations() {
  const t = useT()
  const list = useMyInvitations()
  // The mail of an invitation leads here, and may have been sent to another address.
  const followed = useSearchParams()[0].has('invited')
  if (!list.rows?.length && !list.error) {
    return followed && list.rows && <WordsAlert kind="done" words={{ title: t('invitations.noneTitle'), text: t('invitations.noneText') }} />
  }
  return (
    <Section title={t('invitations.title')} hint={t('invitations.hint')}>
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
  const t = useT()
  const client = useQueryClient()
  const navigate = useNavigate()
  const params = { params: { path: { invitation: invitation.id } } }
  const accept = useChange({
    mutationFn: async () => {
      const team = await data(api.POST('/v1/me/invitations/{invitation}/accept', params))
      // The team's own page says why, if its policy does not let this session in yet.
      await api.POST('/v1/teams/{team}/sessions', { params: { path: { team: team.id } } }).catch(() => undefined)
      return team
    },
    onSuccess: async (team) => {
      void client.invalidateQueries({ queryKey: keys.session })
      await client.invalidateQueries({ queryKey: keys.teams })
      void client.invalidateQueries({ queryKey: keys.invitations })
      await navigate(`/teams/${team.id}`)
      return navigationPending()
    },
  })
  const decline = useChange({
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
            {t.rich('invitations.as', {
              role: t(`common.${invitation.role}`),
              invitee: <Name>{invitation.email ?? shortAddress(invitation.wallet ?? '')}</Name>,
              time: <Time at={invitation.expires_at} />,
            })}
          </Text>
        </Stack>
        <Group gap="xs">
          <Button loading={accept.isPending} disabled={busy} onClick={() => accept.mutate()} aria-label={t('invitations.acceptOf', { team: invitation.team_name })}>
            {t('invitations.accept')}
          </Button>
          <Button
            variant="default"
            loading={decline.isPending}
            disabled={busy}
            onClick={() => decline.mutate()}
            aria-label={t('invitations.declineOf', { team: invitation.team_name })}
          >
            {t('invitations.decline')}
          </Button>
        </Group>
      </Group>
      <Fault error={accept.error ?? decline.error} />
    </Stack>
  )
}
