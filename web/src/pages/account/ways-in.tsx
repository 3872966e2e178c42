import { Badge, Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useIdentities, useProviders } from '../../api/queries'
import type { Identity, Session } from '../../api/types'
import { providerName } from '../../auth/providers'
import { Section } from '../../components/section'
import { Fault, Listing, Name, Time, WordsAlert } from '../../components/show'
import { Table } from '../../components/table'
import { WalletDoors } from '../../components/wallet-doors'
import { shortAddress } from '../../wallet/types'
import { useLinking } from './use-linking'

function Label({ identity }: { identity: Identity }) {
  const { wallet } = identity
  if (!wallet) return <Name line>{identity.label || identity.email || identity.subject}</Name>
  return (
    <Group gap={6}>
      <code title={wallet.address}>{shortAddress(wallet.address)}</code>
      {wallet.primary && (
        <Badge variant="light" color="gray">
          primary
        </Badge>
      )}
      {wallet.kind === 'contract' && (
        <Badge variant="light" color="gray">
          contract
        </Badge>
      )}
    </Group>
  )
}

// WaysIn shows every way into the account and links more.
export function WaysIn({ session }: { session: Session }) {
  const identities = useIdentities()
  const providers = useProviders()
  const [walletOpen, walletDialog] = useDisclosure(false)
  const linking = useLinking(session, walletDialog.open)
  const wallet = providers.data?.find((provider) => provider.kind === 'wallet')

  return (
    <Section title="Ways in" hint="Any of these signs you in to this account.">
      {linking.notice && <WordsAlert {...linking.notice} />}
      <Listing list={identities} empty="No way in.">
        {(rows) => (
          <Table
            label="Ways in"
            rows={rows}
            rowKey={(identity) => identity.id}
            columns={[
              { label: 'Way in', cell: (identity) => providerName(identity.provider) },
              { label: 'Account', cell: (identity) => <Label identity={identity} /> },
              { label: 'Linked', cell: (identity) => <Time at={identity.created_at} /> },
              { label: 'Last used', cell: (identity) => <Time at={identity.last_used_at} /> },
            ]}
          />
        )}
      </Listing>
      <Fault error={providers.error} />
      <Group gap="xs" role="group" aria-label="Link another way in">
        <Text size="sm">Link another:</Text>
        {providers.data
          ?.filter((provider) => provider.kind === 'redirect')
          .map((provider) => (
            <Button key={provider.name} variant="default" onClick={() => linking.linkRedirect(provider.name)}>
              {providerName(provider.name)}
            </Button>
          ))}
        {wallet && (
          <Button variant="default" onClick={walletDialog.open}>
            {providerName(wallet.name)}
          </Button>
        )}
      </Group>
      <Modal opened={walletOpen} onClose={walletDialog.close} title="Link a wallet" centered closeButtonProps={{ 'aria-label': 'Close' }}>
        {wallet && (
          <Stack>
            <WalletDoors
              purpose="link"
              chainIds={wallet.chain_ids}
              onDone={async () => {
                await linking.linked(wallet.name)
                walletDialog.close()
              }}
            />
          </Stack>
        )}
      </Modal>
    </Section>
  )
}
