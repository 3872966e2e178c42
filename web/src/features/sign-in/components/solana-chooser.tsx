import { Badge, Button, Group, Paper, Stack, Text } from '@mantine/core'
import { useEffect } from 'react'
import { useChange } from '../../../api/change'
import { api } from '../../../api/client'
import { mergeTicket } from '../../../api/problem'
import { linkIntent } from '../../../auth/pending'
import { withStepUp } from '../../../auth/step-up'
import { Fault, Name } from '../../../components/show'
import { useStepUp } from '../../../components/step-up-context'
import { isDev } from '../../../dev'
import { useT } from '../../../i18n/language'
import { type SolanaWallet, useSolanaWallets } from '../../../wallet/solana'
import { addTestWallet, registerTestWallets } from '../../../wallet/solana-test'
import { proveSolana } from '../api/solana'
import type { WalletProps } from './wallet-chooser'
import '../../../i18n/en/later/wallet'
import '../../../i18n/en/later/wallets'

// SolanaChooser lists the Solana wallets there are. A wallet connects and signs in one
// step.
export default function SolanaChooser({ purpose, provider, onDone, onTicket }: Omit<WalletProps, 'only'>) {
  const t = useT()
  const stepUp = useStepUp()
  const wallets = useSolanaWallets()
  const sign = useChange({
    mutationFn: async (wallet: SolanaWallet) => {
      const prove = () => proveSolana(api, { wallet, purpose })
      let result
      try {
        result = await (purpose === 'link' ? withStepUp(prove, () => stepUp(linkIntent(provider.name))) : prove())
      } catch (error) {
        const ticket = mergeTicket(error)
        if (ticket && onTicket) return onTicket(ticket)
        throw error
      }
      if (result) await onDone(result, provider.name)
    },
  })
  const make = useChange({ mutationFn: addTestWallet })
  useEffect(() => {
    if (isDev) void registerTestWallets()
  }, [])
  return (
    <Stack gap="sm" component="section" aria-label={t('wallets.solana')}>
      <Text fw={600} size="sm">
        {t('wallets.solana')}
      </Text>
      <Text size="sm" className="muted">
        {t('wallet.what')}
      </Text>
      <Fault error={sign.error} {...(purpose === 'link' ? { purpose } : {})} />
      {wallets.map((wallet) => (
        <Button
          key={wallet.id}
          variant="default"
          size="md"
          justify="flex-start"
          loading={sign.isPending && sign.variables.id === wallet.id}
          disabled={sign.isPending}
          leftSection={wallet.icon ? <img src={wallet.icon} alt="" width={22} height={22} /> : undefined}
          onClick={() => sign.mutate(wallet)}
        >
          <Name line>{wallet.name || t('wallet.unnamed')}</Name>
        </Button>
      ))}
      {wallets.length === 0 && (
        <Text size="sm" className="muted">
          {t('wallets.solanaNone')}
        </Text>
      )}
      {isDev && (
        <Paper withBorder p="sm" style={{ borderStyle: 'dashed' }} component="section" aria-label={t('wallets.solanaTest')}>
          <Stack gap="xs">
            <Group gap="xs" justify="space-between">
              <Text fw={600} size="sm">
                {t('wallets.solanaTest')}
              </Text>
              <Badge color="orange" variant="light">
                {t('wallet.testBadge')}
              </Badge>
            </Group>
            <Text size="xs" className="muted">
              {t('wallet.testHint')}
            </Text>
            <Fault error={make.error} />
            <Button variant="light" loading={make.isPending} onClick={() => make.mutate()}>
              {t('wallets.solanaMake')}
            </Button>
          </Stack>
        </Paper>
      )}
    </Stack>
  )
}
