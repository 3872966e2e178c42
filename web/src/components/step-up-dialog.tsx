import { Button, Modal, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { keys, useIdentities, useProviders } from '../api/queries'
import { savePending } from '../auth/pending'
import { providerName, startUrl } from '../auth/providers'
import { Fault, Waiting } from './show'
import { WalletDoors } from './wallet-doors'

export default function StepUpDialog({ link, onAnswer }: { link: string | undefined; onAnswer: (proved: boolean) => void }) {
  return (
    <Modal
      opened
      onClose={() => onAnswer(false)}
      title="Please confirm that it is you"
      centered
      // Above the dialog whose action asked for it.
      zIndex={300}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <Ways link={link} onProved={() => onAnswer(true)} />
    </Modal>
  )
}

// Ways offers what this account already has, and what this service still speaks.
function Ways({ link, onProved }: { link: string | undefined; onProved: () => void }) {
  const client = useQueryClient()
  const identities = useIdentities()
  const providers = useProviders()
  if (identities.error || providers.error) return <Fault error={identities.error ?? providers.error} />
  if (!identities.rows || !providers.data) return <Waiting />

  const owned = new Set(identities.rows.map((identity) => identity.provider))
  const addresses = identities.rows.flatMap((identity) => identity.wallet?.address ?? [])
  const usable = providers.data.filter((provider) => owned.has(provider.name))
  const wallet = usable.find((provider) => provider.kind === 'wallet')
  return (
    <Stack>
      <Text size="sm">It has been a while since you signed in, and this changes how your account can be entered. Use any way in you already have.</Text>
      {usable
        .filter((provider) => provider.kind === 'redirect')
        .map((provider) => (
          <Button
            key={provider.name}
            component="a"
            variant="default"
            href={startUrl(provider.name, 'step_up', '/account?stepped_up=' + encodeURIComponent(provider.name))}
            onClick={() => link && savePending({ provider: link, leg: 'step_up' })}
          >
            Confirm with {providerName(provider.name)}
          </Button>
        ))}
      {wallet && (
        <WalletDoors
          purpose="step_up"
          chainIds={wallet.chain_ids}
          only={addresses}
          onDone={async () => {
            await client.invalidateQueries({ queryKey: keys.session })
            onProved()
          }}
        />
      )}
      {usable.length === 0 && <Text>None of your ways in is offered here right now. Try again later.</Text>}
    </Stack>
  )
}
