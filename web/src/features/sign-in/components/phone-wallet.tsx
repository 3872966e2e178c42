import { Anchor, Button, Center, Group, Paper, Stack, Text } from '@mantine/core'
import { encode } from 'uqr'
import { Waiting } from '../../../components/show'
import { useT } from '../../../i18n/language'
import '../../../i18n/en/later/wallet'

// PhoneWallet shows the code that a wallet on a phone scans. It is drawn as one
// path: nothing of it is read as HTML.
export default function PhoneWallet({ uri, onCancel }: { uri: string | undefined; onCancel: () => void }) {
  const t = useT()
  return (
    <Paper withBorder p="md" component="section" aria-label={t('wallet.phone')}>
      <Stack gap="sm">
        {uri ? (
          <>
            <Text>{t('wallet.scan')}</Text>
            <Center>
              <Code text={uri} />
            </Center>
          </>
        ) : (
          <Waiting />
        )}
        <Group>
          {uri && <Anchor href={uri}>{t('wallet.openHere')}</Anchor>}
          <Button variant="default" onClick={onCancel}>
            {t('wallet.another')}
          </Button>
        </Group>
      </Stack>
    </Paper>
  )
}

function Code({ text }: { text: string }) {
  const t = useT()
  const { data, size } = encode(text, { border: 4 })
  const path = data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join('')
  return (
    <svg role="img" aria-label={t('wallet.qr')} viewBox={`0 0 ${size} ${size}`} width={260} height={260} shapeRendering="crispEdges" style={{ background: '#fff' }}>
      <path d={path} fill="#000" />
    </svg>
  )
}
