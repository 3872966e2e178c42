import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useChange } from '../../../api/change'
import { api, data } from '../../../api/client'
import { isProblem } from '../../../api/problem'
import { Fault, WordsAlert } from '../../../components/show'
import { useT } from '../../../i18n/language'

// Recovery signs in a person who lost all sign-in methods but kept a code.
export function Recovery({ onDone }: { onDone: () => Promise<void> }) {
  const t = useT()
  const [open, setOpen] = useState(false)
  const [code, setCode] = useState('')
  const redeem = useChange({
    mutationFn: async () => {
      await data(api.POST('/v1/auth/recovery', { body: { code: code.trim(), delivery: 'cookie' } }))
      await onDone()
    },
  })
  if (!open) {
    return (
      <Group gap={6} justify="center">
        <Text size="sm" className="muted">
          {t('signIn.lost')}
        </Text>
        <Button variant="subtle" size="compact-sm" onClick={() => setOpen(true)}>
          {t('signIn.useRecovery')}
        </Button>
      </Group>
    )
  }
  const stale = isProblem(redeem.error, 'invalid_proof') || isProblem(redeem.error, 'proof_used')
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        redeem.mutate()
      }}
    >
      <Stack gap="sm">
        <TextInput
          label={t('signIn.recoveryCode')}
          description={t('signIn.recoveryHint')}
          autoComplete="off"
          spellCheck={false}
          autoFocus
          maxLength={64}
          size="md"
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
        />
        {stale ? <WordsAlert words={t.words['recovery_stale']!} /> : <Fault error={redeem.error} />}
        <Button type="submit" variant="default" disabled={!code.trim()} loading={redeem.isPending}>
          {t('signIn.recoverySubmit')}
        </Button>
      </Stack>
    </form>
  )
}
