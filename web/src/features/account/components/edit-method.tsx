import { Button, Group, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useChange } from '../../../api/change'
import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'
import type { Identity } from '../../../api/types'
import { Dialog } from '../../../components/dialog'
import { useOptimistic } from '../../../components/optimistic'
import { Fault } from '../../../components/show'
import { useT } from '../../../i18n/language'
import { identityName } from '../methods'
import '../../../i18n/en/later/account'

interface Props {
  identity: Identity
  onDone: () => Promise<unknown>
}

// LabelButton lets a person name a sign-in method.
export function LabelButton({ identity, onDone }: Props) {
  const t = useT()
  const [opened, setOpened] = useState(false)
  const [label, setLabel] = useState(identity.label)
  const save = useOptimistic<Identity, string>({
    list: keys.identities,
    change: (ways, to) => ways.map((way) => (way.id === identity.id ? { ...way, label: to } : way)),
    send: (to) => data(api.PATCH('/v1/me/identities/{identity}', { params: { path: { identity: identity.id } }, body: { label: to } })),
  })
  const open = () => {
    save.reset()
    setLabel(identity.label)
    setOpened(true)
  }
  return (
    <>
      <Button variant="default" size="xs" aria-label={t('methods.labelOf', { way: identityName(t, identity) })} onClick={open}>
        {t('methods.label')}
      </Button>
      <Dialog opened={opened} onClose={() => setOpened(false)} title={t('methods.labelTitle')}>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            if (!opened) return
            setOpened(false)
            // Refused, it is asked again with what was typed, and why.
            save.mutate(label.trim(), { onSuccess: onDone, onError: () => setOpened(true) })
          }}
        >
          <Stack>
            <TextInput
              label={t('account.name')}
              description={t('methods.labelHint')}
              maxLength={100}
              dir="auto"
              data-autofocus
              value={label}
              onChange={(event) => setLabel(event.currentTarget.value)}
            />
            <Fault error={save.error} />
            <Group justify="flex-end">
              <Button variant="default" onClick={() => setOpened(false)}>
                {t('common.cancel')}
              </Button>
              <Button type="submit">{t('common.save')}</Button>
            </Group>
          </Stack>
        </form>
      </Dialog>
    </>
  )
}

// PrimaryButton makes a wallet the one that applications show.
export function PrimaryButton({ identity, onDone, name }: Props & { name?: string }) {
  const t = useT()
  const make = useChange({
    mutationFn: () => data(api.PUT('/v1/me/identities/{identity}/primary', { params: { path: { identity: identity.id } } })),
    onSuccess: onDone,
  })
  return (
    <>
      <Button
        variant="default"
        size="xs"
        loading={make.isPending}
        aria-label={name === undefined ? t('methods.makePrimaryOf', { way: identityName(t, identity) }) : t('addresses.makePrimaryOf', { address: name })}
        onClick={() => make.mutate()}
      >
        {t(name === undefined ? 'methods.makePrimary' : 'addresses.makePrimary')}
      </Button>
      <Fault error={make.error} />
    </>
  )
}
