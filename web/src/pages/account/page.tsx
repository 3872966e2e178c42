import { Alert, Button, Group, Stack, Title } from '@mantine/core'
import { useState } from 'react'
import { leaving, useChange } from '../../api/change'
import { api, data } from '../../api/client'
import { useIdentities } from '../../api/queries'
import type { CurrentSession } from '../../api/types'
import { arrivalOf } from '../../auth/arrival'
import { keptMail, keptTicket } from '../../auth/pending'
import { isRestricted } from '../../auth/step-up'
import { DoneNotice } from '../../components/done'
import { PageTitle } from '../../components/page-title'
import { Fault } from '../../components/show'
import { SignedIn } from '../../components/signed-in'
import { useT } from '../../i18n/language'
import { Addresses } from './addresses'
import { Devices } from './devices'
import { History } from './history'
import { Invitations } from './invitations'
import { Merge } from './merge'
import { Merges } from './merges'
import { Profile } from './profile'
import { RecoveryCodes } from './recovery-codes'
import { WaysIn } from './ways-in'

function SignOut() {
  const t = useT()
  const signOut = useChange({
    mutationFn: () => data(api.DELETE('/v1/session')),
    // A new load, so that nothing of this person is left in the page's memory.
    onSuccess: () => {
      keptMail.set(undefined)
      location.assign('/')
      return leaving()
    },
  })
  return (
    <Stack gap="xs">
      <Button variant="default" loading={signOut.isPending} onClick={() => signOut.mutate()}>
        {t('account.signOut')}
      </Button>
      <Fault error={signOut.error} />
    </Stack>
  )
}

// startTicket is the merge ticket of this visit: brought back by a provider, or
// kept over a reload.
function startTicket(): string | undefined {
  const brought = arrivalOf('linked')?.ticket
  if (brought) keptTicket.set(brought)
  return keptTicket.get()
}

export default function AccountPage() {
  return <SignedIn>{(session) => <Account key={session.user.id} session={session} />}</SignedIn>
}

function Account({ session }: { session: CurrentSession }) {
  const t = useT()
  const [ticket, setTicket] = useState(startTicket)
  const identities = useIdentities()
  const changeTicket = (next: string | undefined) => {
    keptTicket.set(next)
    setTicket(next)
  }
  // Whoever came in by a recovery code may link a way in and nothing else.
  const restricted = isRestricted(session.session)
  return (
    <Stack gap="xl">
      <PageTitle>{t('account.pageTitle')}</PageTitle>
      <Group justify="space-between">
        <Title order={1}>{t('account.title')}</Title>
        <SignOut />
      </Group>
      <DoneNotice />
      {ticket && <Merge ticket={ticket} me={session.user.id} onClose={() => changeTicket(undefined)} />}
      {restricted ? (
        <Alert color="orange" variant="light" title={t.words['recovery_restricted']!.title}>
          {t('account.restricted')}
        </Alert>
      ) : (
        <Invitations />
      )}
      <WaysIn session={session.session} identities={identities} onTicket={changeTicket} />
      {!restricted && (
        <>
          <Addresses session={session.session} identities={identities} onTicket={changeTicket} />
          <Profile user={session.user} />
          <Devices />
          <RecoveryCodes />
          <Merges />
          <History />
        </>
      )}
    </Stack>
  )
}
