import { Alert, Button, Group, Stack } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useChange } from '../../../api/change'
import { api, data } from '../../../api/client'
import { keys, refreshPerson } from '../../../api/queries'
import type { components } from '../../../api/schema.gen'
import { providerName } from '../../../auth/providers'
import { withStepUp } from '../../../auth/step-up'
import { Fault, Name } from '../../../components/show'
import { useStepUp } from '../../../components/step-up-context'
import { useT } from '../../../i18n/language'
import '../../../i18n/en/later/account'

// LinkRequests asks about each sign-in method that a refused sign-in left behind.
export function LinkRequests() {
  const list = useQuery({ queryKey: keys.linkRequests, queryFn: async () => (await data(api.GET('/v1/me/link-requests'))).data })
  return list.data?.map((request) => <Request key={request.id} request={request} />)
}

function Request({ request }: { request: components['schemas']['LinkRequest'] }) {
  const t = useT()
  const client = useQueryClient()
  const stepUp = useStepUp()
  const params = { params: { path: { link_request: request.id } } }
  const decide = useChange({
    mutationFn: (accept: boolean) =>
      withStepUp(
        async () => ({ done: await data(accept ? api.POST('/v1/me/link-requests/{link_request}/accept', params) : api.DELETE('/v1/me/link-requests/{link_request}', params)) }),
        () => stepUp(),
      ),
    onSuccess: () => refreshPerson(client),
  })
  const provider = providerName(t, request.provider)
  return (
    <Alert variant="light" title={t('linkRequests.title')}>
      <Stack gap="sm">
        <div>{t.rich('linkRequests.text', { provider, email: <Name>{request.email ?? request.display_name}</Name> })}</div>
        <Group gap="xs">
          <Button disabled={decide.isPending} onClick={() => decide.mutate(false)}>
            {t('linkRequests.dismiss')}
          </Button>
          <Button variant="default" loading={decide.isPending} onClick={() => decide.mutate(true)}>
            {t('linkRequests.accept', { provider })}
          </Button>
        </Group>
        <Fault error={decide.error} />
      </Stack>
    </Alert>
  )
}

// PossibleDuplicates says that an address the person signed in with belongs to
// another account.
export function PossibleDuplicates() {
  const t = useT()
  const me = useQuery({ queryKey: keys.me, queryFn: () => data(api.GET('/v1/me')) })
  return me.data?.possible_duplicates?.map((one) => (
    <Alert key={one.id} variant="light" title={t('duplicates.title')}>
      {t.rich('duplicates.text', { address: <Name>{one.address}</Name> })}
    </Alert>
  ))
}
