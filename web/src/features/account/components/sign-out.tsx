import { Button, Stack } from '@mantine/core'
import { navigationPending, useChange } from '../../../api/change'
import { api, data } from '../../../api/client'
import { keptMail } from '../../../auth/pending'
import { Fault } from '../../../components/show'
import { useT } from '../../../i18n/language'
import '../../../i18n/en/later/account'

export function SignOut() {
  const t = useT()
  const signOut = useChange({
    mutationFn: () => data(api.DELETE('/v1/session')),
    // A new load, so that nothing of this person is left in the page's memory.
    onSuccess: () => {
      keptMail.set(undefined)
      location.assign('/')
      return navigationPending()
    },
  })
  return (
    <Stack gap="xs">
      <Button variant="default" loading={signOut.isPending} onClick={() => signOut.mutate()}>
        {t('account.signOut')}
      </Button>
      <Fault error={signOut.error} />
    </Stack>
  )
}
