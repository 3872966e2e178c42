import { Group, Paper, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useId } from 'react'

// Section is one titled part of a page.
export function Section(props: { title: string; hint?: ReactNode; action?: ReactNode; children: ReactNode }) {
  const id = useId()
  return (
    <Paper withBorder p={{ base: 'md', sm: 'lg' }} component="section" aria-labelledby={id}>
      <Stack>
        <Group justify="space-between" gap="sm">
          <Title order={2} size="h3" id={id} tabIndex={-1}>
            {props.title}
          </Title>
          {props.action}
        </Group>
        {props.hint && (
          <Text size="sm" className="muted" mt={-8}>
            {props.hint}
          </Text>
        )}
        {props.children}
      </Stack>
    </Paper>
  )
}
