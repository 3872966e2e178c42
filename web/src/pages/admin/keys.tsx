import { Badge, Button, Checkbox, Code, CopyButton, Group, NumberInput, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { api, data } from '../../api/client'
import { keys } from '../../api/queries'
import type { APIKey, APIKeyScope } from '../../api/types'
import { withStepUp } from '../../auth/step-up'
import { ConfirmButton } from '../../components/confirm'
import { Pages, usePaged } from '../../components/paged'
import { Section } from '../../components/section'
import { Fault, Listing, Name, Time, WordsAlert } from '../../components/show'
import { statusColor } from '../../components/status'
import { useStepUp } from '../../components/step-up-context'
import { Table } from '../../components/table'
import { useT } from '../../i18n/language'

const scopes = { introspect: 'operator.scope_introspect', 'admin:read': 'operator.scope_read', 'admin:write': 'operator.scope_write' } as const

export function Keys() {
  const t = useT()
  const client = useQueryClient()
  const [secret, setSecret] = useState<string>()
  const list = usePaged(keys.admin('keys'), (page) => data(api.GET('/v1/admin/api-keys', { params: { query: page } })), { limit: 25 })
  const refresh = () => client.invalidateQueries({ queryKey: keys.admin('keys') })
  const show = async (made: { secret: string }) => {
    setSecret(made.secret)
    await refresh()
  }
  const path = (key: APIKey) => ({ params: { path: { key: key.id } } })
  return (
    <Section title={t('operator.keys')} hint={t('operator.keysHint')}>
      {secret ? <Secret secret={secret} onKept={() => setSecret(undefined)} /> : <Make onMade={show} />}
      <Listing list={list} empty={t('operator.noKeys')}>
        {(rows) => (
          <Table
            label={t('operator.keys')}
            rows={rows}
            rowKey={(key) => key.id}
            columns={[
              { label: t('operator.keyName'), cell: (key) => <Name line>{key.name}</Name> },
              { label: t('operator.keyPrefix'), cell: (key) => <code>{key.prefix}…</code> },
              { label: t('operator.keyScopes'), cell: (key) => key.scopes.map((scope) => t(scopes[scope])).join(', ') },
              {
                label: t('operator.state'),
                cell: (key) => (
                  <Badge variant="light" color={statusColor(key.status)}>
                    {t(`operator.keyState_${key.status}`)}
                  </Badge>
                ),
              },
              { label: t('operator.keyExpires'), cell: (key) => <Time at={key.expires_at} /> },
              { label: t('operator.keyUsed'), cell: (key) => (key.last_used_at ? <Time at={key.last_used_at} /> : t('operator.never')) },
              {
                label: t('operator.keyChange'),
                action: true,
                cell: (key) =>
                  key.status === 'active' && (
                    <Group gap="xs">
                      {!key.replaced_by && (
                        <ConfirmButton
                          label={t('operator.keyRotate')}
                          accessibleLabel={t('operator.keyRotateOf', { name: key.name })}
                          title={t('operator.keyRotateTitle')}
                          text={t('operator.keyRotateText')}
                          confirm={t('operator.keyRotateConfirm')}
                          intent={`rotate ${key.id}`}
                          action={async () => show(await data(api.POST('/v1/admin/api-keys/{key}/rotate', { ...path(key), body: {} })))}
                        />
                      )}
                      <ConfirmButton
                        label={t('operator.keyEnd')}
                        accessibleLabel={t('operator.keyEndOf', { name: key.name })}
                        title={t('operator.keyEndTitle')}
                        text={t('operator.keyEndText')}
                        confirm={t('operator.keyEndConfirm')}
                        intent={`end ${key.id}`}
                        action={async () => {
                          await data(api.DELETE('/v1/admin/api-keys/{key}', path(key)))
                          await refresh()
                        }}
                      />
                    </Group>
                  ),
              },
            ]}
          />
        )}
      </Listing>
      <Pages list={list} />
    </Section>
  )
}

function Make({ onMade }: { onMade: (made: { secret: string }) => Promise<void> }) {
  const t = useT()
  const stepUp = useStepUp()
  const [name, setName] = useState('')
  const [may, setMay] = useState<string[]>(['introspect'])
  const [days, setDays] = useState<number | string>(90)
  const make = useMutation({
    mutationFn: async () => {
      const body = { name: name.trim(), scopes: may as APIKeyScope[], expires_in_days: Number(days) }
      const made = await withStepUp(() => data(api.POST('/v1/admin/api-keys', { body })), () => stepUp())
      if (!made) return
      setName('')
      await onMade(made)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    make.mutate()
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Group align="flex-start">
          <TextInput label={t('operator.keyName')} flex="1 1 12rem" maxLength={100} value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <NumberInput label={t('operator.keyDays')} w={180} min={1} max={366} clampBehavior="strict" allowDecimal={false} hideControls value={days} onChange={setDays} />
        </Group>
        <Checkbox.Group label={t('operator.keyScopes')} value={may} onChange={setMay}>
          <Group mt={4}>
            {Object.entries(scopes).map(([scope, label]) => (
              <Checkbox key={scope} value={scope} label={t(label)} />
            ))}
          </Group>
        </Checkbox.Group>
        <Fault error={make.error} />
        <Button type="submit" style={{ alignSelf: 'flex-start' }} loading={make.isPending} disabled={!name.trim() || may.length === 0 || days === ''}>
          {t('operator.keyMake')}
        </Button>
      </Stack>
    </form>
  )
}

// Secret shows a key once. It is kept nowhere in the page besides.
function Secret({ secret, onKept }: { secret: string; onKept: () => void }) {
  const t = useT()
  return (
    <Stack gap="sm">
      <WordsAlert kind="done" words={{ title: t('operator.keyMadeTitle'), text: '' }} />
      <Code block>{secret}</Code>
      <Group>
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy}>
              <Text span aria-live="polite">
                {t(copied ? 'common.copied' : 'operator.keyCopy')}
              </Text>
            </Button>
          )}
        </CopyButton>
        <Button onClick={onKept}>{t('operator.keyStored')}</Button>
      </Group>
    </Stack>
  )
}
