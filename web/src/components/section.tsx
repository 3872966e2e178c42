import { Group, Paper, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useId } from 'react'

interface Props {
  title: string
  hint?: ReactNode
  action?: ReactNode
  /** Of its title, for a link to it. */
  id?: string
  /** Without a card around it, for what is made of cards. */
  bare?: boolean
  children: ReactNode
}

// Section is one titled part of a page.
export function Section({ id: given, title, hint, action, bare = false, children }: Props) {
  const made = useId()
  const id = given ?? made
  const content = (
    <Stack>
      <Group justify="space-between" gap="sm">
        <Title order={2} size="h4" id={id} tabIndex={-1}>
          {title}
        </Title>
        {action}
      </Group>
      {hint && (
        <Text size="sm" className="muted" mt={-12}>
          {hint}
        </Text>
      )}
      {children}
    </Stack>
  )
  if (bare) return <section aria-labelledby={id}>{content}</section>
  return (
    <Paper withBorder p={{ base: 'md', sm: 'lg' }} component="section" aria-labelledby={id}>
      {content}
    </Paper>
  )
}
