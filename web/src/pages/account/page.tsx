import { Alert, Group, Stack, Title } from '@mantine/core'
import { useState } from 'react'
import { useIdentities } from '../../api/queries'
import type { CurrentSession } from '../../api/types'
import { arrivalOf } from '../../auth/arrival'
import { type KeptMerge, keptMerge } from '../../auth/pending'
import { isRestricted } from '../../auth/step-up'
import { DoneNotice } from '../../components/done'
import { PageTitle } from '../../components/page-title'
import { SignedIn } from '../../components/signed-in'
import { Addresses } from '../../features/account/components/addresses'
import { Devices } from '../../features/account/components/devices'
import { History } from '../../features/account/components/history'
import { Invitations } from '../../features/account/components/invitations'
import { LinkRequests, PossibleDuplicates } from '../../features/account/components/link-requests'
import { Profile } from '../../features/account/components/profile'
import { RecoveryCodes } from '../../features/account/components/recovery-codes'
import { SignInMethods } from '../../features/account/components/sign-in-methods'
import { SignOut } from '../../features/account/components/sign-out'
import { MyApps } from '../../features/apps/components/my-apps'
import { Merge } from '../../features/merge/components/merge'
import { Merges } from '../../features/merge/components/merges'
import { useT } from '../../i18n/language'
import '../../i18n/en/later/account'

// startMerge is the merge of this visit: brought back by a provider, or kept over
// a reload.
function startMerge(session: string): KeptMerge | undefined {
  const ticket = arrivalOf('linked')?.ticket
  if (ticket) keptMerge.set({ ticket, session, choices: {} })
  return keptMerge.get(session)
}

export default function AccountPage() {
  return <SignedIn>{(session) => <Account key={session.user.id} session={session} />}</SignedIn>
}

function Account({ session }: { session: CurrentSession }) {
  const t = useT()
  const [merge, setMerge] = useState(() => startMerge(session.session.id))
  const identities = useIdentities()
  const changeMerge = (next: KeptMerge | undefined) => {
    keptMerge.set(next)
    setMerge(next)
  }
  const begin = (ticket: string) => changeMerge({ ticket, session: session.session.id, choices: {} })
  // A person who signed in with a recovery code can only link a sign-in method.
  const restricted = isRestricted(session.session)
  return (
    <Stack gap="xl">
      <PageTitle>{t('account.pageTitle')}</PageTitle>
      <Group justify="space-between">
        <Title order={1}>{t('account.title')}</Title>
        <SignOut />
      </Group>
      <DoneNotice />
      {merge && <Merge key={merge.ticket} begun={merge} me={session.user.id} onChange={changeMerge} onClose={() => changeMerge(undefined)} />}
      {restricted ? (
        <Alert color="orange" variant="light" title={t.words['recovery_restricted']!.title}>
          {t('account.restricted')}
        </Alert>
      ) : (
        <>
          <LinkRequests />
          <PossibleDuplicates />
          <Invitations />
        </>
      )}
      <SignInMethods session={session.session} identities={identities} onTicket={begin} />
      {!restricted && (
        <>
          <Addresses session={session.session} identities={identities} onTicket={begin} />
          <Profile user={session.user} />
          <Devices />
          <MyApps />
          <RecoveryCodes />
          <Merges />
          <History />
        </>
      )}
    </Stack>
  )
}
