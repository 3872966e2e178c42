import { Stack, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { ConfirmButton } from '../../../components/confirm'
import { typedFor } from '../../../components/step-up-context'
import { useT } from '../../../i18n/language'
import '../../../i18n/en/later/operator'

interface Props {
  label: string
  accessibleLabel?: string
  title: string
  text: ReactNode
  confirm: string
  intent: string
  /** Nothing is done without a reason. */
  required?: boolean
  /** False while something else that it needs has not been typed. */
  ready?: boolean
  color?: string
  action: (reason: string) => Promise<unknown>
}

// ReasonConfirm asks an operator before it does something to a user, and for the
// reason that the audit trail keeps.
export function ReasonConfirm({ text, intent, required = false, ready = true, action, ...asked }: Props) {
  const t = useT()
  const [reason, setReason] = useState(() => typedFor(intent))
  return (
    <ConfirmButton
      {...asked}
      text={
        <Stack gap="sm">
          <div>{text}</div>
          <TextInput label={t('operator.reason')} required={required} maxLength={200} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        </Stack>
      }
      ready={ready && (!required || reason.trim() !== '')}
      intent={intent}
      typed={reason}
      action={async () => {
        await action(reason.trim())
        setReason('')
      }}
    />
  )
}
