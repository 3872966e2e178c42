import { Alert, Anchor, Button, Divider, Paper, Stack, Text, Title } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Link, Navigate, useLocation, useNavigate, useSearchParams } from 'react-router'
import { forgetPerson, useProviders, useSession } from '../../api/queries'
import { tokenIn } from '../../auth/email'
import { providerName, signInUrl } from '../../auth/providers'
import { home, safePath } from '../../auth/return-to'
import { wordsForCode } from '../../auth/words'
import { EmailDoor } from '../../components/email-door'
import { Fault, Name, personName, Waiting, WordsAlert } from '../../components/show'
import { WalletDoors } from '../../components/wallet-doors'

export function SignInPage() {
  const [query] = useSearchParams()
  const navigate = useNavigate()
  const client = useQueryClient()
  const session = useSession()
  const providers = useProviders()
  const error = query.get('error')
  // To a provider goes what was asked for: the service checks it by its own
  // list. The app itself goes to its own pages only.
  const asked = query.get('return_to') || home
  const target = safePath(query.get('return_to'))
  const wallet = providers.data?.find((provider) => provider.kind === 'wallet')
  const email = providers.data?.find((provider) => provider.kind === 'email')
  const redirects = providers.data?.filter((provider) => provider.kind === 'redirect') ?? []

  const { hash } = useLocation()
  const [token, setToken] = useState(() => tokenIn(hash))
  // Out of the address bar and the history at once: who looks over a shoulder or
  // copies the address must not get a way in. The router's copy stays in memory.
  useEffect(() => {
    const found = tokenIn(hash)
    if (!found) return
    setToken(found)
    history.replaceState(history.state, '', location.pathname + location.search)
  }, [hash])

  async function enter() {
    await forgetPerson(client)
    await navigate(target)
  }

  // Back from a provider, and it worked.
  if (session.data && !error && query.has('done')) return <Navigate to={target} replace />

  return (
    <Stack maw={440} mx="auto" gap="lg">
      <title>Sign in · Latchkey</title>
      <Title order={1}>Sign in</Title>
      {error && <WordsAlert words={wordsForCode(error)} />}
      {session.data && (
        <Alert variant="light" title="You are signed in">
          as <Name>{personName(session.data.user)}</Name>.{' '}
          <Anchor component={Link} to={target}>
            Go on as this person
          </Anchor>
          , or sign in as another below.
        </Alert>
      )}
      <Fault error={providers.error} />
      {providers.isPending && <Waiting />}
      {email && (
        <section aria-label="Sign in by e-mail">
          <EmailDoor key={token ?? ''} token={token} returnTo={target} onDone={enter} />
        </section>
      )}
      {email && redirects.length > 0 && <Divider label="or with an account you have elsewhere" />}
      {redirects.length > 0 && (
        <Stack gap="sm" component="section" aria-label="Sign in with an account you have elsewhere">
          {redirects.map((provider) => (
            <Button key={provider.name} component="a" size="md" variant="default" href={signInUrl(provider.name, asked)}>
              Continue with {providerName(provider.name)}
            </Button>
          ))}
        </Stack>
      )}
      {(redirects.length > 0 || email) && wallet && <Divider label="or with a wallet" />}
      {wallet && (
        <section aria-label="Sign in with a wallet">
          <WalletDoors
            purpose="sign_in"
            chainIds={wallet.chain_ids}
            onDone={enter}
          />
        </section>
      )}
      {providers.data?.length === 0 && (
        <Paper withBorder p="md">
          <Text>No way in is configured yet. Whoever runs this service can see what is missing with:</Text>
          <code className="code-line">latchkey doctor</code>
        </Paper>
      )}
    </Stack>
  )
}
