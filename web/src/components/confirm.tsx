import { Button, type ButtonProps, Group, Modal, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMutation } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Fault } from './show'

interface Props extends ButtonProps {
  /** What the button on the page says. */
  label: string
  /** For screen readers, where the label alone does not tell which one. */
  accessibleLabel?: string
  title: string
  text: ReactNode
  confirm: string
  action: () => Promise<unknown>
}

// ConfirmButton asks before it does what cannot be undone, and keeps a refusal
// where the question was.
export function ConfirmButton({ label, accessibleLabel, title, text, confirm, action, ...button }: Props) {
  const [opened, dialog] = useDisclosure(false)
  const run = useMutation({ mutationFn: action, onSuccess: dialog.close })
  const close = () => {
    run.reset()
    dialog.close()
  }
  return (
    <>
      <Button variant="default" size="xs" {...button} aria-label={accessibleLabel} onClick={dialog.open}>
        {label}
      </Button>
      <Modal opened={opened} onClose={close} title={title} centered closeButtonProps={{ 'aria-label': 'Close' }}>
        <Stack>
          <Text component="div" className="name">
            {text}
          </Text>
          <Fault error={run.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button color="red" loading={run.isPending} onClick={() => run.mutate()}>
              {confirm}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  )
}
