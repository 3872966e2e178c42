import { Button, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useChange } from '../../../api/change'
import { api } from '../../../api/client'
import { keys, useIdentities, useProviders } from '../../../api/queries'
import { providerName } from '../../../auth/providers'
import { wordsForCode } from '../../../auth/words'
import { Dialog } from '../../../components/dialog'
import { Fault, Waiting, WordsAlert } from '../../../components/show'
import { useT } from '../../../i18n/language'
import { leaveForProvider } from '../api/begin'
import { passkeysWork, provePasskey } from '../api/passkey'
import { EmailSignIn } from './email-sign-in'
import { Wallets } from './wallets'
import '../../../i18n/en/later/step-up'

interface Props {
  intent: string | undefined
  typed?: string | undefined
  /** The providers that would do; any, if it is not said. */
  only?: string[] | undefined
  refused?: string | undefined
  onAnswer: (proved: boolean) => void
}

export default function StepUpDialog({ intent, typed, only, refused, onAnswer }: Props) {
  const t = useT()
  return (
    // Above the dialog whose action asked for it.
    <Dialog opened onClose={() => onAnswer(false)} title={t('stepUp.title')} zIndex={300}>
      <Stack>
        {refused && <WordsAlert words={wordsForCode(t, refused)} />}
        <Ways only={only} intent={intent} typed={typed} onProved={() => onAnswer(true)} />
      </Stack>
    </Dialog>
  )
}

// back is where a provider returns to: this page, with the result.
function back(provider: string): string {
  const url = new URL(location.href)
  url.searchParams.set('stepped_up', provider)
  return url.pathname + url.search
}

// Ways offers what this account already has, and what this service still speaks.
function Ways({ only, intent, typed, onProved }: Pick<Props, 'only' | 'intent' | 'typed'> & { onProved: () => void }) {
  const t = useT()
  const client = useQueryClient()
  const identities = useIdentities()
  const providers = useProviders()
  const [byEmail, setByEmail] = useState(false)
  const leave = useChange({
    mutationFn: (provider: string) => leaveForProvider(provider, 'step_up', back(provider), intent ? { intent, typed } : undefined),
  })
  const byPasskey = useChange({
    mutationFn: async () => {
      await provePasskey(api, { purpose: 'step_up' })
      await client.invalidateQueries({ queryKey: keys.session })
      onProved()
    },
  })
  if (identities.error || providers.error) return <Fault error={identities.error ?? providers.error} />
  if (!identities.rows || !providers.data) return <Waiting />

  const owned = new Set(identities.rows.map((identity) => identity.provider))
  const usable = providers.data.filter((provider) => owned.has(provider.name) && (only?.includes(provider.name) ?? true))
  // Both kinds of wallets are offered in one place, by what the person has.
  const wallet = usable.some(({ kind }) => kind === 'wallet' || kind === 'solana') && providers.data.find((provider) => provider.kind === 'wallet')
  const usableNames = new Set(usable.map((provider) => provider.name))
  const addresses = identities.rows.filter(({ provider }) => usableNames.has(provider)).flatMap((identity) => identity.wallet?.address ?? identity.solana?.address ?? [])
  const email = usable.find((provider) => provider.kind === 'email')
  const passkey = passkeysWork() && usable.some((provider) => provider.kind === 'passkey')
  const proved = async () => {
    await client.invalidateQueries({ queryKey: keys.session })
    onProved()
  }
  return (
    <Stack>
      <Text size="sm">{t(only ? 'stepUp.textOnly' : 'stepUp.text')}</Text>
      {usable
        .filter((provider) => provider.kind === 'redirect')
        .map((provider) => (
          <Button key={provider.name} variant="default" loading={leave.isPending && leave.variables === provider.name} onClick={() => leave.mutate(provider.name)}>
            {t('stepUp.with', { provider: providerName(t, provider.name) })}
          </Button>
        ))}
      <Fault error={leave.error} />
      {passkey && (
        <Button variant="default" loading={byPasskey.isPending} onClick={() => byPasskey.mutate()}>
          {t('stepUp.byPasskey')}
        </Button>
      )}
      <Fault error={byPasskey.error} />
      {email && !byEmail && (
        <Button variant="default" onClick={() => setByEmail(true)}>
          {t('stepUp.byEmail')}
        </Button>
      )}
      {email && byEmail && (
        <EmailSignIn purpose="step_up" suggestion={identities.rows.find((identity) => identity.provider === email.name)?.email} returnTo={location.pathname} onDone={proved} />
      )}
      {wallet && <Wallets purpose="step_up" provider={wallet} only={addresses} onDone={proved} />}
      {usable.length === 0 && <Text>{t('stepUp.none')}</Text>}
    </Stack>
  )
}
