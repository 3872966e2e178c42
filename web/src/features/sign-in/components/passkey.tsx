import { Button, Stack } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { useChange } from '../../../api/change'
import { api } from '../../../api/client'
import type { ProofResult } from '../../../api/types'
import { Fault } from '../../../components/show'
import { useT } from '../../../i18n/language'
import { offerPasskeys, passkeysWork, provePasskey } from '../api/passkey'
import { LastUsed } from './last-used'

interface Props {
  last: boolean
  onDone: (result: ProofResult) => void | Promise<void>
}

// PasskeySignIn is the button, and offers passkeys among the suggestions of the field for
// the address as well.
export function PasskeySignIn({ last, onDone }: Props) {
  const t = useT()
  const [works] = useState(passkeysWork)
  const use = useChange({ mutationFn: async (proof: () => Promise<ProofResult>) => onDone(await proof()) })
  // The button takes the place of what waits; a person who declines can have it back.
  const [round, setRound] = useState(0)
  const chosen = useRef(use.mutate)
  chosen.current = use.mutate
  useEffect(() => {
    if (!works || round < 0) return
    const stop = offerPasskeys(api, (proof) => chosen.current(() => proof))
    return () => stop()
  }, [works, round])
  if (!works) return null
  return (
    <Stack gap="sm" component="section" aria-label={t('signIn.withPasskey')}>
      <Button
        size="md"
        variant="subtle"
        loading={use.isPending}
        onClick={() => use.mutate(() => provePasskey(api, { purpose: 'sign_in' }), { onError: () => setRound(round + 1) })}
        rightSection={last && <LastUsed when />}
      >
        {t('signIn.withPasskey')}
      </Button>
      <Fault error={use.error} />
    </Stack>
  )
}
