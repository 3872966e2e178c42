import { Button, type ButtonProps, Group, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useId, useState } from 'react'
import { useChange } from '../api/change'
import { isProblem } from '../api/problem'
import { withStepUp } from '../auth/step-up'
import type { While } from '../auth/words'
import { useT } from '../i18n/language'
import { Dialog } from './dialog'
import { Fault, Waiting } from './show'
import { useResumed, useStepUp } from './step-up-context'

interface Asked<P> {
  title: string
  /** What would happen, asked for again each time the question is. */
  preview: () => Promise<P>
  children: (preview: P) => ReactNode
  /** What the button says; undefined: there is nothing to confirm. */
  confirm: (preview: P) => string | undefined
  action: (preview: P) => Promise<unknown>
  color?: string | undefined
  size?: string | undefined
  purpose?: While | undefined
  /** As of ConfirmButton. */
  intent?: string | undefined
  typed?: string | undefined
}

interface Props<P> extends Asked<P>, Omit<ButtonProps, 'children' | 'color' | 'size'> {
  label: string
  accessibleLabel?: string
}

// PreviewConfirm is a button that opens a PreviewDialog.
export function PreviewConfirm<P>({ label, accessibleLabel, title, preview, children, confirm, action, color, size, purpose, intent, typed, ...button }: Props<P>) {
  const resumed = useResumed(intent)
  const [opened, setOpened] = useState(() => (resumed ? Date.now() : 0))
  const asked = { title, preview, children, confirm, action, color, size, purpose, intent, typed }
  return (
    <>
      <Button variant="default" size="xs" {...button} {...(accessibleLabel ? { 'aria-label': accessibleLabel } : {})} onClick={() => setOpened(Date.now())}>
        {label}
      </Button>
      <PreviewDialog opened={opened} onOpened={setOpened} {...asked} />
    </>
  )
}

interface Opened {
  /** When it was asked, 0: it is closed. */
  opened: number
  onOpened: (at: number) => void
}

// PreviewDialog shows what would happen before it does it, with the numbers in
// the question and on the button.
export function PreviewDialog<P>({ opened, onOpened: setOpened, title, preview, children, confirm, action, color = 'red', size, purpose, intent, typed }: Asked<P> & Opened) {
  const t = useT()
  const id = useId()
  const stepUp = useStepUp()
  const shown = useQuery({
    queryKey: ['preview', id, opened],
    queryFn: async () => {
      const answer = await withStepUp(preview, () => stepUp(intent, typed))
      if (answer === undefined) setOpened(0)
      return answer ?? null
    },
    enabled: opened > 0,
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
  })
  const run = useChange({
    mutationFn: (seen: P) =>
      withStepUp(
        async () => ({ done: await action(seen) }),
        () => stepUp(intent, typed),
      ),
    onSuccess: (result) => result && setOpened(0),
    // What has changed meanwhile is shown as it is now.
    onError: (error) => isProblem(error, 'sessions_changed') && setOpened(Date.now()),
  })
  const close = () => {
    // What is under way goes on: it must not begin once more meanwhile.
    if (!run.isPending) run.reset()
    setOpened(0)
  }
  const seen = shown.data
  const does = seen === null || seen === undefined ? undefined : confirm(seen)
  return (
    <Dialog opened={opened > 0} onClose={close} title={title} size={size ?? 'lg'}>
      <Stack mih={140} justify="space-between">
        <Stack className="name">
          {shown.isPending && <Waiting />}
          <Fault error={shown.error} purpose={purpose} />
          {seen !== null && seen !== undefined && children(seen)}
          <Fault error={run.error} purpose={purpose} />
        </Stack>
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t('common.cancel')}
          </Button>
          {does !== undefined && (
            <Button color={color} loading={run.isPending} onClick={() => opened > 0 && run.mutate(seen as P)}>
              {does}
            </Button>
          )}
        </Group>
      </Stack>
    </Dialog>
  )
}
