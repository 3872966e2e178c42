import { Badge } from '@mantine/core'
import { useT } from '../../../i18n/language'

// LastUsed marks the door this browser came in by last.
export function LastUsed({ when }: { when: boolean }) {
  const t = useT()
  return when ? (
    <Badge component="span" variant="light" color="gray">
      {t('signIn.lastUsed')}
    </Badge>
  ) : null
}
