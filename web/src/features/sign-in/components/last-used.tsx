import { Badge } from '@mantine/core'
import { useT } from '../../../i18n/language'

// LastUsed marks the sign-in method that this browser used last.
export function LastUsed({ when }: { when: boolean }) {
  const t = useT()
  return when ? (
    <Badge component="span" variant="light" color="gray">
      {t('signIn.lastUsed')}
    </Badge>
  ) : null
}
