import { Alert, Anchor, Title } from '@mantine/core'
import { IconApps, IconDeviceLaptop, IconHistory, IconKey, IconMail, IconUser } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { Link, Navigate, Route, Routes, useLocation, useNavigate } from 'react-router'
import { useIdentities } from '../../api/queries'
import type { CurrentSession } from '../../api/types'
import { arrivalOf, endArrival } from '../../auth/arrival'
import { type KeptMerge, keptMerge } from '../../auth/pending'
import { isRestricted } from '../../auth/step-up'
import { Area } from '../../components/area'
import { DoneNotice } from '../../components/done'
import { useHashFocus } from '../../components/hash-focus'
import { NotFound } from '../../components/not-found'
import { PageTitle } from '../../components/page-title'
import { SignedIn } from '../../components/signed-in'
import { Addresses } from '../../features/account/components/addresses'
import { CheckUp } from '../../features/account/components/check-up'
import { DangerZone } from '../../features/account/components/danger-zone'
import { Devices } from '../../features/account/components/devices'
import { History } from '../../features/account/components/history'
import { Invitations } from '../../features/account/components/invitations'
import { LinkRequests, PossibleDuplicates } from '../../features/account/components/link-requests'
import { Profile } from '../../features/account/components/profile'
import { RecoveryCodes } from '../../features/account/components/recovery-codes'
import { SignInMethods } from '../../features/account/components/sign-in-methods'
import { MyApps } from '../../features/apps/components/my-apps'
import { Merge } from '../../features/merge/components/merge'
import { Merges } from '../../features/merge/components/merges'
import { useT } from '../../i18n/language'
import '../../i18n/en/later/account'
import '../../i18n/en/later/merge'

const [first, mergePage] = ['/account/sign-in-methods', '/account/merge']

// startMerge is the merge of this visit: brought back by a provider, or kept over
// a reload.
function startMerge(session: string): KeptMerge | undefined {
  const ticket = arrivalOf('linked')?.ticket
  if (ticket) {
    keptMerge.set({ ticket, session, choices: {} })
    // It is kept now; another account of this visit must not find it again.
    endArrival()
  }
  return keptMerge.get(session)
}

export default function AccountPage() {
  return <SignedIn>{(session) => <Account key={session.user.id} session={session} />}</SignedIn>
}

function Account({ session }: { session: CurrentSession }) {
  const t = useT()
  const navigate = useNavigate()
  const { pathname, search, state, hash } = useLocation()
  const [merge, setMerge] = useState(() => startMerge(session.session.id))
  const identities = useIdentities()
  const changeMerge = (next: KeptMerge) => {
    keptMerge.set(next)
    setMerge(next)
  }
  // What is over stays until its page has been left: its last words go with that.
  const endMerge = () => {
    keptMerge.set(undefined)
    void navigate(first)
  }
  useEffect(() => {
    if (pathname !== mergePage) setMerge(keptMerge.get(session.session.id))
  }, [pathname, session.session.id])
  useHashFocus()
  const begin = (ticket: string) => {
    changeMerge({ ticket, session: session.session.id, choices: {} })
    void navigate(mergePage)
  }
  // A person who signed in with a recovery code can only add a sign-in method.
  const restricted = isRestricted(session.session)
  const pages = [
    { to: '/account/profile', label: t('account.profilePage'), icon: IconUser },
    { to: first, label: t('account.methodsPage'), icon: IconKey },
    { to: '/account/emails', label: t('account.emailsPage'), icon: IconMail },
    { to: '/account/devices', label: t('account.devicesPage'), icon: IconDeviceLaptop },
    { to: '/account/apps', label: t('apps.title'), icon: IconApps },
    { to: '/account/history', label: t('account.historyPage'), icon: IconHistory },
  ].filter(({ to }) => !restricted || to === first)
  // A merge that is under way comes first.
  if (pathname === '/account') return <Navigate to={(merge ? mergePage : first) + search + hash} state={state} replace />
  if (restricted && pathname !== first && pathname !== mergePage) return <Navigate to={first} replace />
  if (pathname === mergePage && !merge) return <Navigate to={first} replace />
  return (
    <Area label={t('account.navigation')} pages={pages} head={<Head merge={merge !== undefined && pathname !== mergePage} restricted={restricted} />}>
      <Routes>
        <Route
          path="profile"
          element={
            <>
              <Profile user={session.user} />
              <DangerZone me={session.user.id} />
            </>
          }
        />
        <Route
          path="sign-in-methods"
          element={
            <>
              {!restricted && <CheckUp identities={identities} />}
              <SignInMethods session={session.session} identities={identities} onTicket={begin} />
              {!restricted && <RecoveryCodes />}
            </>
          }
        />
        <Route path="emails" element={<Addresses session={session.session} identities={identities} onTicket={begin} />} />
        <Route path="devices" element={<Devices />} />
        <Route path="apps" element={<MyApps />} />
        <Route
          path="history"
          element={
            <>
              <Merges />
              <History />
            </>
          }
        />
        <Route path="merge" element={merge && <Merge key={merge.ticket} begun={merge} me={session.user.id} onChange={changeMerge} onClose={endMerge} />} />
        <Route path="*" element={<NotFound />} />
      </Routes>
    </Area>
  )
}

// Head is what the person should see first, on whichever page of the account.
function Head({ merge, restricted }: { merge: boolean; restricted: boolean }) {
  const t = useT()
  return (
    <>
      <PageTitle>{t('account.pageTitle')}</PageTitle>
      <Title order={1} className="area-title">
        {t('account.title')}
      </Title>
      <DoneNotice />
      {merge && (
        <Alert variant="light" title={t('merge.title')}>
          <Anchor component={Link} to={mergePage}>
            {t('merge.goOn')}
          </Anchor>
        </Alert>
      )}
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
    </>
  )
}
