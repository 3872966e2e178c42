import { Badge, Group } from '@mantine/core'
import type { Email } from '../api/types'
import { useT } from '../i18n/language'
import { Name } from './show'
import '../i18n/en/later/account'

// Address is a verified address, marked if it is the primary one.
export function Address({ of }: { of: Email }) {
  const t = useT()
  return (
    <Group gap={6}>
      <Name line>{of.address}</Name>
      {of.primary && (
        <Badge variant="light" color="teal">
          {t('addresses.primary')}
        </Badge>
      )}
    </Group>
  )
}
