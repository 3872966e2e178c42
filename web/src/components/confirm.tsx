import { Button, type ButtonProps, Group, Stack, Text } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useChange } from '../api/change'
import { withStepUp } from '../auth/step-up'
import { useT } from '../i18n/language'
import { Dialog } from './dialog'
import { Fault } from './show'
import { useResumed, useStepUp } from './step-up-context'

interface Asked {
  title: string
  text: ReactNode
  /** What the button says; undefined: there is nothing to confirm any more. */
  confirm: string | undefined
  action: () => Promise<unknown>
  /** False while something that it needs has not been typed. */
  ready?: boolean | undefined
  /**
   * Names the action, for those that need a fresh session: after a trip to a
   * provider the question is asked again where the person left off.
   */
  intent?: string | undefined
  /** What the person has typed for it, to be there again after the trip: see typedFor. */
  typed?: string | undefined
}

interface Props extends Asked, ButtonProps {
  /** What the button on the page says. */
  label: string
  /** For screen readers, where the label alone does not tell which one. */
  accessibleLabel?: string
}

// ConfirmButton asks before it does what cannot be undone.
export function ConfirmButton({ label, accessibleLabel, title, text, confirm, action, ready, intent, typed, ...button }: Props) {
  const resumed = useResumed(intent)
  const [opened, setOpened] = useState(resumed)
  return (
    <>
      <Button variant="default" size="xs" {...button} aria-label={accessibleLabel} onClick={() => setOpened(true)}>
        {label}
      </Button>
      <Question opened={opened} onClose={() => setOpened(false)} {...{ title, text, confirm, action, ready, intent, typed }} />
    </>
  )
}

// Question keeps a refusal where it was asked. Where the service wants the person
// to prove who they are, that comes in between.
export function Question({ opened, onClose, title, text, confirm, action, ready = true, intent, typed }: Asked & { opened: boolean; onClose: () => void }) {
  const t = useT()
  const stepUp = useStepUp()
  const run = useChange({
    mutationFn: () =>
      withStepUp(
        async () => ({ done: await action() }),
        () => stepUp(intent, typed),
      ),
    // Nothing: the person did not want to prove it, and may still say no here.
    onSuccess: (result) => result && onClose(),
  })
  const close = () => {
    // Only this dialog shows how it ends.
    if (run.isPending) return
    run.reset()
    onClose()
  }
  return (
    <Dialog opened={opened} onClose={close} title={title}>
      <Stack>
        <Text component="div" className="name">
          {text}
        </Text>
        <Fault error={run.error} />
        <Group justify="flex-end">
          <Button variant="default" disabled={run.isPending} onClick={close}>
            {t(confirm === undefined ? 'common.close' : 'common.cancel')}
          </Button>
          {confirm !== undefined && (
            <Button color="red" disabled={!ready} loading={run.isPending} onClick={() => opened && run.mutate()}>
              {confirm}
            </Button>
          )}
        </Group>
      </Stack>
    </Dialog>
  )
}
