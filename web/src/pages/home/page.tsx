import { Alert, Button, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { Link, Navigate } from 'react-router'
import { useIdentities, useSession, useTeams } from '../../api/queries'
import type { CurrentSession } from '../../api/types'
import { providerName, walletProvider } from '../../auth/providers'
import { isRestricted } from '../../auth/step-up'
import { brand } from '../../brand'
import { CopyAddress } from '../../components/copy-address'
import { PageTitle } from '../../components/page-title'
import { Section } from '../../components/section'
import { Name, personName, Retry, Waiting } from '../../components/show'
import { isDev } from '../../dev'
import { CheckUp } from '../../features/account/components/check-up'
import { Invitations } from '../../features/account/components/invitations'
import { useT } from '../../i18n/language'
import { shortAddress } from '../../wallet/types'
import { Flow } from './flow'
import { Teams } from './teams'
import '../../i18n/en/later/account'
import '../../i18n/en/later/home'

// HomePage is the person's own first page: their teams, what waits for them, and what
// to do next. On a development server it walks a newcomer through what there is.
export default function HomePage() {
  const t = useT()
  const session = useSession()
  if (session.data === null && !isDev) return <Navigate to="/sign-in?return_to=/" replace />
  return (
    <Stack gap="xl">
      <PageTitle>{t(session.data ? 'home.ownTitle' : 'home.pageTitle')}</PageTitle>
      {session.data === null && (
        <Stack gap="xs" maw={720}>
          <Title order={1}>{t('home.title')}</Title>
          <Text size="lg">{t('home.intro', { brand: brand.name })}</Text>
        </Stack>
      )}
      {session.error ? <Retry error={session.error} again={session.refetch} /> : session.data === undefined ? <Waiting /> : <WhoIsHere session={session.data} />}
      {session.data && (isRestricted(session.data.session) ? <Restricted /> : <Own key={session.data.user.id} />)}
      {session.data !== undefined && isDev && <Tour session={session.data} />}
    </Stack>
  )
}

// Restricted is all that a person who signed in with a recovery code can do: add a
// sign-in method. Their teams and invitations come back with it.
function Restricted() {
  const t = useT()
  return (
    <Alert color="orange" variant="light" title={t.words['recovery_restricted']!.title}>
      <Stack gap="sm" align="flex-start">
        {t('account.restricted')}
        <Button component={Link} to="/account/sign-in-methods#add-method" size="xs">
          {t('checkUp.addMethod')}
        </Button>
      </Stack>
    </Alert>
  )
}

// Own is what belongs to the person.
function Own() {
  const t = useT()
  const identities = useIdentities()
  const teams = useTeams()
  return (
    <>
      <Invitations />
      <div className="own">
        <Section title={t('home.yourTeams')}>
          <Teams list={teams} />
        </Section>
        <CheckUp identities={identities} />
      </div>
    </>
  )
}

function WhoIsHere({ session }: { session: CurrentSession | null }) {
  const t = useT()
  return (
    <Paper {...(session ? { style: { background: 'none' } } : { withBorder: true, p: 'md' })} component="section" aria-label={t('home.who')}>
      <Group justify="space-between">
        {session ? (
          <Stack gap={0} miw={0} flex="1 1 12rem">
            <Title order={1} size="h2" lineClamp={3}>
              {t.rich('home.signedInAs', { name: <Name>{personName(t, session.user)}</Name> })}
            </Title>
            <Text size="sm" className="muted">
              {t('home.by', {
                methods: session.session.methods.map((method) => providerName(t, method)).join(t('home.andThen')),
                device: session.session.device || t('common.unknownDevice'),
              })}
            </Text>
          </Stack>
        ) : (
          <Text fw={600}>{t('home.nobody')}</Text>
        )}
        <Button component={Link} to={session ? '/account' : '/sign-in?return_to=/'} variant={session ? 'default' : 'filled'}>
          {t(session ? 'home.account' : 'home.signIn')}
        </Button>
      </Group>
    </Paper>
  )
}

// Tour lets the three flows be done.
function Tour({ session }: { session: CurrentSession | null }) {
  const t = useT()
  const identities = useIdentities(session !== null)
  const teams = useTeams(session !== null && !isRestricted(session.session))
  const providers = new Set(identities.rows?.map((identity) => identity.provider))
  const byWallet = session?.session.methods.includes(walletProvider) ?? false
  const ownWallet = identities.rows?.find((identity) => identity.wallet?.primary)?.wallet?.address
  const both = providers.has(walletProvider) && providers.size > 1
  const steps = (
    <SimpleGrid cols={{ base: 1, md: 3 }} spacing="lg">
      <Flow
        number={1}
        title={t('home.walletTitle')}
        done={byWallet}
        text={t('home.walletText')}
        steps={[t('home.walletStep1'), t('home.walletStep2'), t('home.walletStep3'), t('home.walletStep4')]}
      >
        <Button component={Link} to={`/sign-in?return_to=/&method=${walletProvider}`} fullWidth variant={session ? 'default' : 'filled'}>
          {t('home.walletButton')}
        </Button>
      </Flow>
      <Flow
        number={2}
        title={t('home.linkTitle')}
        done={both}
        text={t('home.linkText')}
        steps={[t('home.linkStep1'), t('home.linkStep2'), t('home.linkStep3'), t('home.linkStep4')]}
      >
        <Button component={Link} to="/account" fullWidth variant={session && !both ? 'filled' : 'default'}>
          {t(session ? 'home.linkButton' : 'home.signInFirst')}
        </Button>
      </Flow>
      <Flow
        number={3}
        title={t('home.teamTitle')}
        done={(teams.rows?.length ?? 0) > 0}
        text={t('home.teamText')}
        steps={[t('home.teamStep1'), t('home.teamStep2'), t('home.teamStep3'), t('home.teamStep4')]}
      >
        {session ? (
          // What step 1 asks the other window for.
          ownWallet && (
            <Text size="sm" component="div">
              {t.rich('home.yourWallet', { address: <code title={ownWallet}>{shortAddress(ownWallet)}</code> })} <CopyAddress address={ownWallet} />
            </Text>
          )
        ) : (
          <Button component={Link} to="/sign-in?return_to=/" fullWidth variant="default">
            {t('home.signInFirst')}
          </Button>
        )}
      </Flow>
      <Text size="sm" className="muted" style={{ gridColumn: '1 / -1' }}>
        {t('home.several')}
      </Text>
    </SimpleGrid>
  )
  if (!session) return steps
  return (
    <Stack component="section" aria-label={t('home.tour')}>
      <Title order={2} size="h4">
        {t('home.tour')}
      </Title>
      {steps}
    </Stack>
  )
}
