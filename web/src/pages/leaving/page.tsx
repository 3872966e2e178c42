import { Button, Group, Stack, Text, Title } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useSearchParams } from 'react-router'
import { useChange } from '../../api/change'
import { api, data } from '../../api/client'
import { keys, resetAllQueries } from '../../api/queries'
import { useSignOut } from '../../auth/sign-out'
import { PageTitle } from '../../components/page-title'
import { Fault } from '../../components/show'
import { exactTime } from '../../components/time'
import { ExportLink } from '../../features/account/components/danger-zone'
import { useT } from '../../i18n/language'
import '../../i18n/en/later/account'

// LeavingPage is all that a person sees whose account is being deleted.
export default function LeavingPage() {
  const t = useT()
  const client = useQueryClient()
  const signOut = useSignOut('/')
  // The export says until when.
  const held = useQuery({ queryKey: keys.export, queryFn: () => data(api.GET('/v1/me/export')) })
  const restore = useChange({
    mutationFn: () => data(api.POST('/v1/me/restore', {})),
    onSuccess: () => resetAllQueries(client),
  })
  const until = held.data?.deletes_at
  return (
    <Stack maw={560} mx="auto" gap="lg">
      <PageTitle>{t('leaving.pendingTitle')}</PageTitle>
      <Title order={1}>{t('leaving.pendingTitle')}</Title>
      <Text mih={48}>{until ? t('leaving.pendingUntil', { time: exactTime(new Date(until), t.locale) }) : t('leaving.pendingText')}</Text>
      <Fault error={restore.error ?? held.error ?? signOut.error} />
      <Group>
        <Button loading={restore.isPending} onClick={() => restore.mutate()}>
          {t('leaving.restore')}
        </Button>
        <ExportLink />
        <Button variant="subtle" loading={signOut.isPending} onClick={() => signOut.mutate()}>
          {t('leaving.signOut')}
        </Button>
      </Group>
    </Stack>
  )
}

// DeletedPage is where a person arrives who has just deleted their account.
export function DeletedPage() {
  const t = useT()
  const [query] = useSearchParams()
  const until = new Date(query.get('until') ?? '')
  const pending = until.getTime() > Date.now() + 60_000
  return (
    <Stack maw={560} mx="auto" gap="lg">
      <PageTitle>{t(pending ? 'leaving.pendingTitle' : 'leaving.deletedTitle')}</PageTitle>
      <Title order={1}>{t(pending ? 'leaving.pendingTitle' : 'leaving.deletedTitle')}</Title>
      <Text>{pending ? t('leaving.restoreUntil', { time: exactTime(until, t.locale) }) : t('leaving.deletedText')}</Text>
    </Stack>
  )
}
