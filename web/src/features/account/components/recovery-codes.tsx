import { Alert, Button, CopyButton, Group, Modal, SimpleGrid, Stack, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useChange } from '../../../api/change'
import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'
import { withStepUp } from '../../../auth/step-up'
import { brand } from '../../../brand'
import { ConfirmButton } from '../../../components/confirm'
import { Section } from '../../../components/section'
import { Fault, Retry, Time, Waiting } from '../../../components/show'
import { useResumed, useStepUp } from '../../../components/step-up-context'
import { useT } from '../../../i18n/language'
import '../../../i18n/en/later/account'

// Two intents: the return for the first codes must not ask whether to replace them.
const [firstIntent, againIntent] = ['recovery-codes', 'recovery-codes-again']

// RecoveryCodes makes the codes, and shows them the one time they can be shown.
export function RecoveryCodes() {
  const t = useT()
  const client = useQueryClient()
  const stepUp = useStepUp()
  const [codes, setCodes] = useState<string[]>()
  const state = useQuery({ queryKey: keys.recovery, queryFn: () => data(api.GET('/v1/me/recovery-codes')) })
  const create = async () => {
    const made = await data(api.POST('/v1/me/recovery-codes'))
    setCodes(made.codes)
    await client.invalidateQueries({ queryKey: keys.recovery })
  }
  const first = useChange({ mutationFn: () => withStepUp(create, () => stepUp(firstIntent)) })
  const left = state.data?.remaining ?? 0
  const [resumed, setResumed] = useState(useResumed(firstIntent))
  const { mutate: makeFirst } = first
  useEffect(() => {
    if (!resumed || !state.data) return
    setResumed(false)
    // Another tab may have made some meanwhile, and those are to stay.
    if (left === 0) makeFirst()
  }, [resumed, state.data, left, makeFirst])
  return (
    <Section id="recovery-codes" title={t('recovery.title')} hint={t('recovery.hint')}>
      {state.isPending && <Waiting />}
      {state.error && <Retry error={state.error} again={state.refetch} />}
      <Fault error={first.error} />
      {state.data && (
        <Group justify="space-between">
          <Text size="sm" component="div">
            {left === 0 || !state.data.created_at ? t('recovery.none') : t.rich('recovery.left', { count: left, time: <Time key="time" at={state.data.created_at} /> })}
          </Text>
          {left === 0 ? (
            <Button variant="default" loading={first.isPending} onClick={() => first.mutate()}>
              {t('recovery.make')}
            </Button>
          ) : (
            <ConfirmButton
              size="sm"
              label={t('recovery.again')}
              title={t('recovery.againTitle')}
              text={t('recovery.againText')}
              confirm={t('recovery.again')}
              intent={againIntent}
              action={create}
            />
          )}
        </Group>
      )}
      {codes && <Codes codes={codes} onStored={() => setCodes(undefined)} />}
    </Section>
  )
}

// Codes stays open until the person closes it: a slip must not lose what is never
// shown again.
function Codes({ codes, onStored }: { codes: string[]; onStored: () => void }) {
  const t = useT()
  const text = codes.join('\n') + '\n'
  const download = () => {
    const url = URL.createObjectURL(new Blob([`${brand.name} ${location.origin}\n\n${text}`], { type: 'text/plain' }))
    const link = Object.assign(document.createElement('a'), { href: url, download: 'recovery-codes.txt' })
    link.click()
    URL.revokeObjectURL(url)
  }
  return (
    <Modal opened onClose={onStored} title={t('recovery.codes')} centered withCloseButton={false} closeOnClickOutside={false} closeOnEscape={false}>
      <Stack>
        <Alert color="orange" variant="light">
          {t('recovery.shown')}
        </Alert>
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs" component="ul" aria-label={t('recovery.codes')} style={{ listStyle: 'none', padding: 0, margin: 0 }}>
          {codes.map((code) => (
            <li key={code}>
              <code>{code}</code>
            </li>
          ))}
        </SimpleGrid>
        <Group>
          <CopyButton value={text}>
            {({ copied, copy }) => (
              <Button variant="default" onClick={copy}>
                <span role="status">{t(copied ? 'common.copied' : 'common.copy')}</span>
              </Button>
            )}
          </CopyButton>
          <Button variant="default" onClick={download}>
            {t('recovery.download')}
          </Button>
          <Button onClick={onStored}>{t('recovery.stored')}</Button>
        </Group>
      </Stack>
    </Modal>
  )
}
