import { Alert, Anchor, Button, Paper, Stack, Text, Title } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Link, Navigate, useLocation, useNavigate, useSearchParams } from 'react-router'
import { navigationPending } from '../../api/change'
import { isProblem } from '../../api/problem'
import { forgetPerson, keys, useProviders, useReturnOrigins, useSession } from '../../api/queries'
import { requestOf } from '../../auth/arrival'
import { beginForTicket, endForTicket } from '../../auth/link-ticket'
import { keptMail, keptMerge } from '../../auth/pending'
import { providerName, signInUrl, walletProvider } from '../../auth/providers'
import { home, leaveFor, targetOf } from '../../auth/return-to'
import { wordsForCode } from '../../auth/words'
import { brand } from '../../brand'
import { DoneNotice } from '../../components/done'
import { PageTitle } from '../../components/page-title'
import { Name, personName, Retry, Waiting, WordsAlert } from '../../components/show'
import { EmailSignIn } from '../../features/sign-in/components/email-sign-in'
import { EndedElsewhere } from '../../features/sign-in/components/ended-elsewhere'
import { LastUsed } from '../../features/sign-in/components/last-used'
import { Mark } from '../../features/sign-in/components/mark'
import { MethodSection } from '../../features/sign-in/components/method-section'
import { PasskeySignIn } from '../../features/sign-in/components/passkey'
import { Recovery } from '../../features/sign-in/components/recovery'
import { Wallets } from '../../features/sign-in/components/wallets'
import { tokenIn } from '../../features/sign-in/email'
import { lastUsed, rememberUsed } from '../../features/sign-in/last-used'
import { useT } from '../../i18n/language'

export function SignInPage() {
  const t = useT()
  const [query] = useSearchParams()
  const navigate = useNavigate()
  const client = useQueryClient()
  const session = useSession()
  const providers = useProviders()
  const [last] = useState(lastUsed)
  const error = query.get('error')
  // A page of another site began a sign-in while somebody is signed in.
  const confirm = providers.data?.find((provider) => provider.name === query.get('confirm') && provider.kind === 'redirect')
  // To a provider goes what was asked for: the service checks it by its own
  // list. Where the app itself goes it knows from the service.
  // The account that the address belongs to may link what was refused.
  const taken = error === 'email_taken'
  const asked = taken ? home : query.get('return_to') || home
  const origins = useReturnOrigins()
  const target = targetOf(taken ? home : query.get('return_to'), origins ?? [])
  const wallet = providers.data?.find((provider) => provider.kind === 'wallet')
  const email = providers.data?.find((provider) => provider.kind === 'email')
  const passkey = providers.data?.find((provider) => provider.kind === 'passkey')
  const redirects = providers.data?.filter((provider) => provider.kind === 'redirect') ?? []

  const { hash } = useLocation()
  const [walletsOpen, setWalletsOpen] = useState(query.get('method') === walletProvider)
  const [token, setToken] = useState(() => tokenIn(hash))
  const [deadToken, setDeadToken] = useState<string>()
  // A link is all that is wanted, unless it does not work.
  const linked = token !== undefined && token !== deadToken
  // Removed from the address bar and the history at once: somebody who sees or copies
  // the address must not get access. The router's copy stays in memory.
  useEffect(() => {
    const found = tokenIn(hash)
    if (!found) return
    setToken(found)
    history.replaceState(history.state, '', location.pathname + location.search)
  }, [hash])

  async function enter(provider: string) {
    rememberUsed(provider)
    keptMail.set(undefined)
    endForTicket()
    await forgetPerson(client)
    // An application could do nothing with the session of a person who is leaving.
    if (target.page || isProblem(client.getQueryState(keys.session)?.error, 'deletion_pending')) await navigate(target.page ? target.href : home)
    else leaveFor(target.href)
    return navigationPending()
  }
  // A mailed link may be for linking: then the refusal is one for the account page.
  function merge(ticket: string) {
    if (session.data) keptMerge.set({ ticket, session: session.data.session.id, choices: {} })
    void navigate(home)
  }

  useEffect(() => {
    if (taken) beginForTicket()
  }, [taken])
  const refused = taken && redirects.find((provider) => provider.name === query.get('done'))?.name

  // Back from a provider, and it worked.
  const done = session.data && !error ? query.get('done') : null
  useEffect(() => {
    if (done) rememberUsed(done)
  }, [done])
  if (done) return target.page ? <Navigate to={target.href} replace /> : <Leave to={target.href} />

  return (
    <Stack maw={440} mx="auto" gap="lg" className="sign-in">
      <PageTitle>{t('signIn.title')}</PageTitle>
      <Stack gap={4}>
        <Title order={1}>{t('signIn.titleTo', { brand: brand.name })}</Title>
        {URL.canParse(target.href) && ( // a path is of this site, whatever answers it
          <Text className="muted" component="div" ta="center">
            {t.rich('signIn.toContinue', { application: <strong key="host">{new URL(target.href).host}</strong> })}
          </Text>
        )}
      </Stack>
      <DoneNotice />
      {!session.data && !error && <EndedElsewhere />}
      {error && <WordsAlert words={wordsForCode(t, error)} requestId={requestOf(error)} />}
      {refused && (
        <Anchor href={signInUrl(refused, query.get('return_to') || home, 'without_address')}>{t('signIn.withoutAddress', { provider: providerName(t, refused) })}</Anchor>
      )}
      {session.data && !linked && (origins || asked.startsWith('/')) && (
        <Alert variant="light" title={t('signIn.signedInTitle')}>
          {t.rich('signIn.signedIn', { name: <Name>{personName(t, session.data.user)}</Name> })}{' '}
          {target.page ? (
            <Anchor component={Link} to={target.href}>
              {t('signIn.goOn')}
            </Anchor>
          ) : (
            <Anchor href={target.href}>{t('signIn.goOn')}</Anchor>
          )}
          . {confirm ? t('signIn.askedElsewhere', { provider: providerName(t, confirm.name) }) : t('signIn.orAsAnother')}
        </Alert>
      )}
      {providers.error && <Retry error={providers.error} again={providers.refetch} />}
      {(providers.isPending || providers.isPlaceholderData) && <Waiting />}
      {session.data && linked && (
        <Alert variant="light" title={t('signIn.signedInTitle')}>
          {t.rich('signIn.signedIn', { name: <Name>{personName(t, session.data.user)}</Name> })} {t('signIn.linkOfAnother')}
        </Alert>
      )}
      {redirects.length > 0 && !linked && (
        <Stack gap="sm" component="section" aria-label={t('signIn.elsewhere')}>
          {redirects.map(({ name }) => (
            <Button
              key={name}
              component="a"
              size="md"
              variant="default"
              href={signInUrl(name, asked, taken ? 'link_ticket' : undefined)}
              // Another application's page does not tell this one that it worked.
              onClick={() => asked.startsWith('/') || rememberUsed(name)}
              className="with-mark"
              rightSection={last === name && <LastUsed when />}
            >
              <span className="mark">
                <Mark provider={name} />
              </span>
              {t('signIn.continueWith', { provider: providerName(t, name) })}
            </Button>
          ))}
        </Stack>
      )}
      {wallet && (
        <Stack component="section" aria-label={t('signIn.withWallet')} mt={redirects.length > 0 && !linked ? -8 : 0}>
          {walletsOpen ? (
            <Wallets purpose="sign_in" provider={wallet} onDone={() => enter(wallet.name)} />
          ) : (
            <Button size="md" variant="default" className="with-mark" onClick={() => setWalletsOpen(true)} rightSection={last === wallet.name && <LastUsed when />}>
              <span className="mark">
                <Mark provider={wallet.name} />
              </span>
              {t('signIn.continueWithWallet')}
            </Button>
          )}
        </Stack>
      )}
      {email && (
        <MethodSection label={t('signIn.byEmail')} divider={((redirects.length > 0 && !linked) || wallet) && t('signIn.or')} last={last === email.name && !linked}>
          <EmailSignIn
            key={token ?? ''}
            purpose="sign_in"
            token={token}
            onDeadLink={() => setDeadToken(token)}
            returnTo={target.href}
            onDone={() => enter(email.name)}
            onTicket={merge}
          />
        </MethodSection>
      )}
      {passkey && !linked && <PasskeySignIn last={last === passkey.name} onDone={() => enter(passkey.name)} />}
      {providers.data?.length === 0 && (
        <Paper withBorder p="md">
          <Text>{t('signIn.none')}</Text>
          <code className="code-line">latchkey doctor</code>
        </Paper>
      )}
      {providers.data && !providers.isPlaceholderData && <Recovery onDone={() => enter('recovery')} />}
      {(brand.terms || brand.privacy) && (
        <Text size="xs" className="muted" ta="center" component="div">
          <Agreement />
        </Text>
      )}
    </Stack>
  )
}

// Agreement links to what people agree to by signing in.
function Agreement() {
  const t = useT()
  const terms = brand.terms && <Anchor href={brand.terms}>{t('signIn.terms')}</Anchor>
  const privacy = brand.privacy && <Anchor href={brand.privacy}>{t('signIn.privacy')}</Anchor>
  if (terms && privacy) return t.rich('signIn.agreeBoth', { terms, privacy })
  return t.rich('signIn.agree', { document: terms ?? privacy })
}

// Leave goes on to another application, with nothing of this page to come back to.
function Leave({ to }: { to: string }) {
  useEffect(() => {
    location.replace(to)
  }, [to])
  return <Waiting />
}
