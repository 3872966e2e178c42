import { Badge, Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { api } from '../api/client'
import type { ProofResult, Provider, Purpose } from '../api/types'
import { walletProvider } from '../auth/providers'
import { proveWallet } from '../auth/siwe'
import { withStepUp } from '../auth/step-up'
import { useStepUp } from './step-up-context'
import { isDev } from '../dev'
import { useInjectedWallets } from '../wallet/eip6963'
import { asWallet, useTestWallets } from '../wallet/test-wallet'
import { shortAddress, type Wallet } from '../wallet/types'
import { Fault, Name } from './show'

interface Props {
  purpose: Purpose
  chainIds?: Provider['chain_ids']
  /** For step-up: the addresses that would do, so that no other test wallet is offered. */
  only?: string[] | undefined
  onDone: (result: ProofResult) => void | Promise<void>
}

const signLabel: Record<Purpose, string> = {
  sign_in: 'Sign to sign in',
  link: 'Sign to link',
  step_up: 'Sign to confirm',
}

// WalletDoors lists the wallets there are and takes one through both steps:
// connect, which only tells the address, then sign, which proves it.
export function WalletDoors({ purpose, chainIds, only, onDone }: Props) {
  const injected = useInjectedWallets()
  const stepUp = useStepUp()
  const connect = useMutation({
    mutationFn: async (wallet: Wallet) => ({ wallet, address: await wallet.connect() }),
    onMutate: () => sign.reset(),
  })
  const sign = useMutation({
    mutationFn: async ({ wallet, address }: { wallet: Wallet; address: string }) => {
      const prove = () => proveWallet(api, { wallet, address, purpose, chainIds })
      const result = await (purpose === 'link' ? withStepUp(prove, () => stepUp(walletProvider)) : prove())
      if (result) await onDone(result)
    },
  })
  const connected = connect.data
  const signButton = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (connected) signButton.current?.focus()
  }, [connected])

  if (connected) {
    return (
      <Paper withBorder p="md" component="section" aria-label="Step 2 of 2: sign">
        <Stack gap="sm">
          <Text>
            <Badge component="span" variant="light" mr={8}>
              Step 2 of 2
            </Badge>
            Connected: <Name>{connected.wallet.name}</Name>, <code title={connected.address}>{shortAddress(connected.address)}</code>
          </Text>
          <Text size="sm" className="muted">
            Sign a short text to prove that this wallet is yours. It moves nothing and costs nothing.
          </Text>
          <Fault error={sign.error} {...(purpose === 'link' ? { purpose } : {})} />
          <Group>
            <Button ref={signButton} loading={sign.isPending} onClick={() => sign.mutate(connected)}>
              {signLabel[purpose]}
            </Button>
            <Button variant="default" disabled={sign.isPending} onClick={() => connect.reset()}>
              Use another wallet
            </Button>
          </Group>
        </Stack>
      </Paper>
    )
  }

  return (
    <Stack gap="sm">
      <Fault error={connect.error} />
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
          <Name line>{wallet.name}</Name>
        </Button>
      ))}
      {injected.length === 0 && (
        <Text size="sm" className="muted">
          This browser announces no wallet. Install one{isDev ? ', or use a test wallet below' : ', or open this page in the browser of your wallet'}.
        </Text>
      )}
      {isDev && <TestWallets only={only} onChoose={(wallet) => connect.mutate(wallet)} />}
    </Stack>
  )
}

function TestWallets({ only, onChoose }: { only: string[] | undefined; onChoose: (wallet: Wallet) => void }) {
  const { wallets, add } = useTestWallets()
  const make = useMutation({ mutationFn: add, onSuccess: (wallet) => onChoose(asWallet(wallet)) })
  const offered = only ? wallets.filter((wallet) => only.includes(wallet.address)) : wallets
  if (only && offered.length === 0) return null
  return (
    <Paper withBorder p="sm" style={{ borderStyle: 'dashed' }} component="section" aria-label="Test wallets">
      <Stack gap="xs">
        <Group gap="xs" justify="space-between">
          <Title order={4} size="sm">
            Test wallets
          </Title>
          <Badge color="orange" variant="light">
            development only
          </Badge>
        </Group>
        <Text size="xs" className="muted">
          Keys kept in this browser in the clear. Each is another person; never send anything to one.
        </Text>
        {offered.map((wallet) => (
          <Button key={wallet.address} variant="default" justify="space-between" rightSection={<code>{shortAddress(wallet.address)}</code>} onClick={() => onChoose(asWallet(wallet))}>
            {wallet.name}
          </Button>
        ))}
        <Fault error={make.error} />
        {!only && (
          <Button variant="light" loading={make.isPending} onClick={() => make.mutate()}>
            Make a new test wallet
          </Button>
        )}
      </Stack>
    </Paper>
  )
}
