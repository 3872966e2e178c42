import { Badge, Button, Group, Paper, Stack, Text } from '@mantine/core'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { useChange } from '../../../api/change'
import { api } from '../../../api/client'
import { mergeTicket } from '../../../api/problem'
import type { ProofResult, Provider, Purpose } from '../../../api/types'
import { linkIntent } from '../../../auth/pending'
import { withStepUp } from '../../../auth/step-up'
import { Fault, Name, Waiting, WordsAlert } from '../../../components/show'
import { useStepUp } from '../../../components/step-up-context'
import { isDev } from '../../../dev'
import { useT } from '../../../i18n/language'
import { asWallet, type TestWallet, useTestWallets } from '../../../wallet/test-wallet'
import { shortAddress, type Wallet, WalletFault } from '../../../wallet/types'
import { sharedConfig, useInjectedWallets } from '../../../wallet/wagmi'
import { proveWallet, WrongNetwork } from '../api/siwe'
import '../../../i18n/en/later/wallets'
import '../../../i18n/en/later/wallet'

// WalletConnect is large, and few need it.
const PhoneWallet = lazy(() => import('./phone-wallet'))

async function loadPhoneWallet() {
  try {
    return await import('../../../wallet/walletconnect')
  } catch {
    throw new WalletFault('Loading')
  }
}

export interface WalletProps {
  purpose: Purpose
  provider: Provider
  /** The chain to sign for, for a contract wallet. */
  chain?: number | undefined
  /** For step-up: the addresses that would do, so that no other test wallet is offered. */
  only?: string[] | undefined
  onDone: (result: ProofResult, provider: string) => void | Promise<void>
  /** Takes the merge that a refused link can be redeemed for; then nothing is shown here. */
  onTicket?: (ticket: string) => void
}

// WalletChooser lists the wallets there are and takes one through both steps:
// connect, which only tells the address, then sign, which proves it.
export default function WalletChooser({ purpose, provider, chain, only, onDone, onTicket }: WalletProps) {
  const t = useT()
  const list = new Intl.ListFormat(document.documentElement.lang || 'en', { type: 'disjunction' })
  const injected = useInjectedWallets(provider.chain_ids)
  const stepUp = useStepUp()
  const connect = useChange({
    mutationFn: async (wallet: Wallet) => ({ wallet, address: await wallet.connect() }),
    onMutate: () => sign.reset(),
  })
  const [phone, setPhone] = useState<{ uri?: string }>()
  const project = provider.walletconnect_project_id
  const connectPhone = async (projectId: string) => {
    setPhone({})
    try {
      const { phoneWallet } = await loadPhoneWallet()
      // A person who has chosen another wallet meanwhile is not interrupted.
      const wallet = phoneWallet(sharedConfig(provider.chain_ids), projectId, (uri) => setPhone((open) => open && { uri }))
      await connect.mutateAsync(wallet)
    } finally {
      setPhone(undefined)
    }
  }
  const callPhone = useChange({ mutationFn: connectPhone })
  const sign = useChange({
    mutationFn: async ({ wallet, address }: { wallet: Wallet; address: string }) => {
      const prove = () => proveWallet(api, { wallet, address, purpose, chain, ...(provider.chains && { chains: provider.chains }) })
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
  const connected = connect.data
  const [left, setLeft] = useState<typeof connected>()
  useEffect(() => {
    const stop = connected?.wallet.watch?.(connected.address, (another) => setLeft(another ? connected : undefined))
    return () => stop?.()
  }, [connected])
  const another = connected !== undefined && (left === connected || (sign.error instanceof WalletFault && sign.error.kind === 'Another'))
  // Wallets may go by one name, and an icon is nothing to hear.
  const called = ({ name, rdns }: Wallet) => (name || t('wallet.unnamed')) + (rdns && injected.filter((wallet) => wallet.name === name).length > 1 ? ` (${rdns})` : '')
  const signButton = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (connected) signButton.current?.focus()
  }, [connected])

  if (connected) {
    return (
      <Paper withBorder p="md" component="section" aria-label={t('wallet.signStep')}>
        <Stack gap="sm">
          <Text>
            <Badge component="span" variant="light" mr={8}>
              {t('wallet.step2')}
            </Badge>
            {t.rich('wallet.connected', {
              wallet: <Name>{called(connected.wallet)}</Name>,
              address: <code title={connected.address}>{shortAddress(connected.address)}</code>,
            })}
          </Text>
          <Text size="sm" className="muted">
            {t('wallet.what')}
          </Text>
          {sign.error instanceof WrongNetwork ? (
            <WordsAlert words={{ title: t('wallets.networkTitle'), text: t('wallets.networkText', { chains: list.format(sign.error.accepted) }) }} />
          ) : (
            <Fault error={another ? new WalletFault('Another') : sign.error} {...(purpose === 'link' ? { purpose } : {})} />
          )}
          <Group>
            {another ? (
              <Button onClick={() => (injected.some(({ id }) => id === connected.wallet.id) ? connect.mutate(connected.wallet) : connect.reset())}>{t('wallet.again')}</Button>
            ) : (
              <Button ref={signButton} loading={sign.isPending} onClick={() => sign.mutate(connected)}>
                {t(`wallet.sign_${purpose}`)}
              </Button>
            )}
            <Button variant="default" disabled={sign.isPending} onClick={() => connect.reset()}>
              {t('wallet.another')}
            </Button>
          </Group>
        </Stack>
      </Paper>
    )
  }

  if (phone) {
    return (
      <Suspense fallback={<Waiting />}>
        <PhoneWallet
          uri={phone.uri}
          onCancel={() => {
            setPhone(undefined)
            connect.reset()
            callPhone.reset()
          }}
        />
      </Suspense>
    )
  }

  return (
    <Stack gap="sm" component="section" aria-label={t('wallet.connectStep')}>
      <Text size="sm" className="muted">
        <Badge component="span" variant="light" mr={8}>
          {t('wallet.step1')}
        </Badge>
        {t('wallet.connectWhat')}
      </Text>
      <Fault error={connect.error ?? callPhone.error} />
      {injected.map((wallet) => (
        <Button
          key={wallet.id}
          variant="default"
          size="md"
          justify="flex-start"
          loading={connect.isPending && connect.variables.id === wallet.id}
          disabled={connect.isPending}
          leftSection={wallet.icon ? <img src={wallet.icon} alt="" width={22} height={22} /> : undefined}
          onClick={() => connect.mutate(wallet)}
        >
          <Name line>{called(wallet)}</Name>
        </Button>
      ))}
      {project && (
        <Button variant="default" size="md" justify="flex-start" disabled={connect.isPending} onClick={() => callPhone.mutate(project)}>
          {t('wallet.phone')}
        </Button>
      )}
      {injected.length === 0 && !project && (
        <Text size="sm" className="muted">
          {t(isDev ? 'wallet.noneDev' : 'wallet.none')}
        </Text>
      )}
      {isDev && <TestWallets only={only} onChoose={(wallet) => connect.mutate(wallet)} />}
    </Stack>
  )
}

function TestWallets({ only, onChoose }: { only: string[] | undefined; onChoose: (wallet: Wallet) => void }) {
  const t = useT()
  const { wallets, add } = useTestWallets()
  const named = (wallet: TestWallet, index: number) => asWallet(wallet, t('wallet.testName', { number: index + 1 }))
  const make = useChange({ mutationFn: add, onSuccess: (wallet) => onChoose(named(wallet, wallets.length)) })
  const offered = wallets.map((wallet, i) => ({ address: wallet.address, wallet: named(wallet, i) })).filter(({ address }) => !only || only.includes(address))
  if (only && offered.length === 0) return null
  return (
    <Paper withBorder p="sm" style={{ borderStyle: 'dashed' }} component="section" aria-label={t('wallet.testTitle')}>
      <Stack gap="xs">
        <Group gap="xs" justify="space-between">
          <Text fw={600} size="sm">
            {t('wallet.testTitle')}
          </Text>
          <Badge color="orange" variant="light">
            {t('wallet.testBadge')}
          </Badge>
        </Group>
        <Text size="xs" className="muted">
          {t('wallet.testHint')}
        </Text>
        {offered.map(({ address, wallet }) => (
          <Button key={address} variant="default" justify="space-between" rightSection={<code>{shortAddress(address)}</code>} onClick={() => onChoose(wallet)}>
            {wallet.name}
          </Button>
        ))}
        <Fault error={make.error} />
        {!only && (
          <Button variant="light" loading={make.isPending} onClick={() => make.mutate()}>
            {t('wallet.testMake')}
          </Button>
        )}
      </Stack>
    </Paper>
  )
}
