import { Button, CopyButton } from '@mantine/core'
import { useT } from '../i18n/language'
import '../i18n/en/later/wallet'

// CopyAddress copies a wallet's whole address, of which pages show only the ends.
export function CopyAddress({ address }: { address: string }) {
  const t = useT()
  return (
    <CopyButton value={address}>
      {({ copied, copy }) => (
        <Button variant="subtle" size="compact-xs" aria-label={t('wallet.copyOf', { address })} onClick={copy}>
          <span role="status">{t(copied ? 'common.copied' : 'common.copy')}</span>
        </Button>
      )}
    </CopyButton>
  )
}
