import { Anchor, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useChange } from '../../../api/change'
import { api } from '../../../api/client'
import { mergeTicket } from '../../../api/problem'
import { linkIntent } from '../../../auth/pending'
import { passkeyProvider } from '../../../auth/providers'
import { withStepUp } from '../../../auth/step-up'
import { Dialog } from '../../../components/dialog'
import { Fault } from '../../../components/show'
import { useStepUp } from '../../../components/step-up-context'
import { useT } from '../../../i18n/language'
import { provePasskey } from '../../sign-in/api/passkey'
import '../../../i18n/en/later/account'

interface Props {
  opened: boolean
  onClose: () => void
  onDone: () => Promise<unknown>
  onTicket: (ticket: string) => void
}

// AddPasskey creates a passkey, or takes one of another account of the person.
export function AddPasskey({ opened, onClose, onDone, onTicket }: Props) {
  const t = useT()
  const stepUp = useStepUp()
  const [label, setLabel] = useState('')
  const add = useChange({
    mutationFn: async (existing: boolean) => {
      const prove = () => provePasskey(api, { purpose: 'link', existing, label: label.trim() })
      try {
        if (!(await withStepUp(prove, () => stepUp(linkIntent(passkeyProvider))))) return
      } catch (error) {
        const ticket = mergeTicket(error)
        if (!ticket) throw error
        onClose()
        return onTicket(ticket)
      }
      await onDone()
      setLabel('')
      onClose()
    },
  })
  const close = () => {
    // A refusal is said once; what is under way goes on.
    if (!add.isPending) add.reset()
    onClose()
  }
  return (
    <Dialog opened={opened} onClose={close} title={t('methods.linkPasskey')}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          add.mutate(false)
        }}
      >
        <Stack>
          <Text size="sm">{t('methods.passkeyText')}</Text>
          <TextInput
            label={t('account.name')}
            description={t('methods.passkeyName')}
            maxLength={100}
            dir="auto"
            data-autofocus
            value={label}
            onChange={(event) => setLabel(event.currentTarget.value)}
          />
          <Fault error={add.error} purpose="link" />
          <Group justify="space-between">
            <Anchor component="button" type="button" size="sm" onClick={() => add.mutate(true)}>
              {t('methods.passkeyOther')}
            </Anchor>
            <Button type="submit" loading={add.isPending}>
              {t('methods.passkeyCreate')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
