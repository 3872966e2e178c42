import { Button, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { Link } from 'react-router'
import { useIdentities, useSession, useTeams } from '../../api/queries'
import type { CurrentSession } from '../../api/types'
import { providerName } from '../../auth/providers'
import { Fault, Name, personName, Waiting } from '../../components/show'
import { isDev } from '../../dev'
import { Flow } from './flow'
import { Teams } from './teams'

// HomePage says what this is and lets the three flows be done. On a development
// server it walks a newcomer through them.
export function HomePage() {
  const session = useSession()
  return (
    <Stack gap="xl">
      <title>Latchkey: one account, every key</title>
      <Stack gap="xs" maw={720}>
        <Title order={1}>One account, every key</Title>
        <Text size="lg">
          Latchkey is a self-hosted identity service. It keeps one account for each person, however they come in: with an Ethereum wallet, with Google, with
          GitHub. It joins what belongs together, refuses what does not, and gives teams sessions that an admin can see and end.
        </Text>
      </Stack>
      {session.error ? <Fault error={session.error} /> : session.data === undefined ? <Waiting /> : <WhoIsHere session={session.data} />}
      {session.data !== undefined && <Flows session={session.data} />}
    </Stack>
  )
}

function WhoIsHere({ session }: { session: CurrentSession | null }) {
  return (
    <Paper withBorder p="md" component="section" aria-label="Who is signed in">
      <Group justify="space-between">
        {session ? (
          <Stack gap={0} miw={0} flex="1 1 12rem">
            <Text component="div" fw={600} lineClamp={3}>
              Signed in as <Name>{personName(session.user)}</Name>
            </Text>
            <Text size="sm" className="muted">
              by {session.session.methods.map(providerName).join(', then ')} on {session.session.device || 'this device'}
            </Text>
          </Stack>
        ) : (
          <Text fw={600}>Nobody is signed in in this browser.</Text>
        )}
        <Button component={Link} to={session ? '/account' : '/sign-in?return_to=/'} variant={session ? 'default' : 'filled'}>
          {session ? 'Your account' : 'Sign in'}
        </Button>
      </Group>
    </Paper>
  )
}

function Flows({ session }: { session: CurrentSession | null }) {
  const identities = useIdentities(session !== null)
  const teams = useTeams(session !== null)
  const providers = new Set(identities.rows?.map((identity) => identity.provider))
  const byWallet = session?.session.methods.includes('siwe') ?? false
  const both = providers.has('siwe') && providers.size > 1
  return (
    <SimpleGrid cols={{ base: 1, md: 3 }} spacing="lg">
      <Flow
        number={1}
        title="Sign in with a wallet"
        done={byWallet}
        text="Connect, then sign a short text. The first time makes an account; after that it is the same one."
        steps={[
          'Press the button below.',
          'Make a new test wallet, or take a wallet of this browser.',
          'Sign. You come back here as that person.',
          'Sign out on your account page and try the same wallet again: it is the same account.',
        ]}
      >
        <Button component={Link} to="/sign-in?return_to=/" fullWidth>
          Sign in with a wallet
        </Button>
      </Flow>
      <Flow
        number={2}
        title="Link a wallet to Google or GitHub"
        done={both}
        text="Either way round: a wallet to an account made with Google or GitHub, or those to an account made with a wallet."
        steps={[
          'Sign in one way, with a wallet or with Google.',
          'On your account page choose another way in to link.',
          'The stand-ins ask who you are: type any name and address.',
          'Sign out and come in by the new way: it is the same account.',
        ]}
      >
        <Button component={Link} to="/account" fullWidth variant={session ? 'filled' : 'default'}>
          {session ? 'Link another way in' : 'Sign in first'}
        </Button>
      </Flow>
      <Flow
        number={3}
        title="Run a team"
        done={(teams.rows?.length ?? 0) > 0}
        text="Invite by e-mail address or wallet, see who is in the team from where, end a session, remove a member."
        steps={[
          'Make a team and open it. Invite an address or a test wallet’s address.',
          'In a private window sign in as that person and accept the invitation there.',
          'Both enter the team. The owner sees both sessions.',
          'End the other session, or remove the member: the next look at the other window shows it.',
        ]}
      >
        {session ? <Teams list={teams} /> : (
          <Button component={Link} to="/sign-in?return_to=/" fullWidth variant="default">
            Sign in first
          </Button>
        )}
      </Flow>
      {isDev && (
        <Text size="sm" className="muted" style={{ gridColumn: '1 / -1' }}>
          To be several people at once, use a private window or another browser: each has its own session and its own test wallets.
        </Text>
      )}
    </SimpleGrid>
  )
}
