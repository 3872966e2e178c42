import { Stack, Text, Title } from '@mantine/core'
import type { User } from '../../api/types'

// NoOperator says how to become one, with the command for this very person.
export function NoOperator({ me }: { me: User }) {
  const who = me.primary_email ? `--email ${me.primary_email}` : `--user ${me.id}`
  return (
    <Stack gap="sm" role="alert">
      <Title order={2} size="h3">
        You are not an operator
      </Title>
      <Text>Operators see every user and session of this service. Whoever runs it makes you one on the server:</Text>
      <code className="code-line">latchkey admin grant {who}</code>
      <Text className="muted">Then load this page again.</Text>
    </Stack>
  )
}
