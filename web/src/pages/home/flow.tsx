import { Badge, Card, Group, List, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { useT } from '../../i18n/language'
import '../../i18n/en/later/home'

interface Props {
  number: number
  title: string
  text: string
  /** What to try. */
  steps: string[]
  done: boolean
  children: ReactNode
}

export function Flow({ number, title, text, steps, done, children }: Props) {
  const t = useT()
  return (
    <Card withBorder padding="lg" component="section" aria-label={title}>
      <Stack justify="space-between" h="100%">
        <Stack gap="sm">
          <Group justify="space-between" wrap="nowrap" align="flex-start">
            <Title order={2} size="h4">
              {number}. {title}
            </Title>
            {done && (
              <Badge color="teal" variant="light" style={{ flexShrink: 0 }}>
                {t('home.done')}
              </Badge>
            )}
          </Group>
          <Text>{text}</Text>
          <List type="ordered" size="sm" spacing={4} withPadding={false} className="muted">
            {steps.map((step) => (
              <List.Item key={step}>{step}</List.Item>
            ))}
          </List>
        </Stack>
        {children}
      </Stack>
    </Card>
  )
}
