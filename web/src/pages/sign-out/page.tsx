import { Button, Group, Stack, Text, Title } from '@mantine/core'
import { Link, useLocation } from 'react-router'
import { useSession } from '../../api/queries'
import { home } from '../../auth/return-to'
import { useSignOut } from '../../auth/sign-out'
import { PageTitle } from '../../components/page-title'
import { Fault, Retry, WaitingPage } from '../../components/show'
import { useT } from '../../i18n/language'
import '../../i18n/en/later/apps'

// SignOutPage asks a person whom an application wants signed out, and says when they
// are. The service decides where they go then: it gets the parameters back.
export default function SignOutPage() {
  const t = useT()
  const { search } = useLocation()
  const session = useSession()
  const signOut = useSignOut('/oauth2/logout' + search)
  if (session.error) return <Retry error={session.error} again={session.refetch} />
  if (session.data === undefined) return <WaitingPage />
  return (
    <Stack maw={440} mx="auto" gap="lg">
      <PageTitle>{t('signOut.pageTitle')}</PageTitle>
      <Title order={1}>{session.data ? t('signOut.title') : t('signOut.doneTitle')}</Title>
      <Text>{session.data ? t('signOut.text') : t('signOut.doneText')}</Text>
      {session.data && (
        <Group>
          <Button loading={signOut.isPending} onClick={() => signOut.mutate()}>
            {t('signOut.confirm')}
          </Button>
          <Button variant="default" component={Link} to={home}>
            {t('signOut.stay')}
          </Button>
        </Group>
      )}
      <Fault error={signOut.error} />
    </Stack>
  )
}
