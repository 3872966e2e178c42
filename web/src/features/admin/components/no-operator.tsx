import { Stack, Text, Title } from '@mantine/core'
import type { User } from '../../../api/types'
import { useT } from '../../../i18n/language'
import '../../../i18n/en/later/operator'

// NoOperator says how to become one, with the command for this very person.
export function NoOperator({ me }: { me: User }) {
  const t = useT()
  const who = me.primary_email ? `--email ${me.primary_email}` : `--user ${me.id}`
  return (
    <Stack gap="sm" role="alert">
      <Title order={1} size="h3">
        {t('operator.notTitle')}
      </Title>
      <Text>{t('operator.notText')}</Text>
      <code className="code-line">latchkey admin grant {who}</code>
      <Text className="muted">{t('operator.notAgain')}</Text>
    </Stack>
  )
}
