import { Divider, Group, Stack } from '@mantine/core'
import type { ReactNode } from 'react'
import { LastUsed } from './last-used'

export function MethodSection({ label, divider, last, children }: { label: string; divider: ReactNode; last: boolean; children: ReactNode }) {
  return (
    <Stack component="section" aria-label={label}>
      {(divider || last) && (
        <Divider
          label={
            <Group gap="xs">
              {divider}
              <LastUsed when={last} />
            </Group>
          }
        />
      )}
      {children}
    </Stack>
  )
}
