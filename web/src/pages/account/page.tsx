import { Button, Group, Stack, Title } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { api, data } from '../../api/client'
import { Fault } from '../../components/show'
import { SignedIn } from '../../components/signed-in'
import { Devices } from './devices'
import { Invitations } from './invitations'
import { Profile } from './profile'
import { WaysIn } from './ways-in'

function SignOut() {
  const signOut = useMutation({
    mutationFn: () => data(api.DELETE('/v1/session')),
    // A new load, so that nothing of this person is left in the page's memory.
    onSuccess: () => location.assign('/'),
  })
  return (
    <Stack gap="xs">
      <Button variant="default" loading={signOut.isPending} onClick={() => signOut.mutate()}>
        Sign out
      </Button>
      <Fault error={signOut.error} />
    </Stack>
  )
}

export default function AccountPage() {
  return (
    <SignedIn>
      {(session) => (
        <Stack gap="xl">
          <title>Your account · Latchkey</title>
          <Group justify="space-between">
            <Title order={1}>Your account</Title>
            <SignOut />
          </Group>
          <Invitations />
          <WaysIn session={session.session} />
          <Profile user={session.user} />
          <Devices />
        </Stack>
      )}
    </SignedIn>
  )
}
