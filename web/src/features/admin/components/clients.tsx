import { Alert, Button, Checkbox, Code, CopyButton, Group, NativeSelect, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useChange } from '../../../api/change'
import { api, data } from '../../../api/client'
import { keys, usePages } from '../../../api/queries'
import type { components } from '../../../api/schema.gen'
import { withStepUp } from '../../../auth/step-up'
import { ConfirmButton } from '../../../components/confirm'
import { Dialog } from '../../../components/dialog'
import { Section } from '../../../components/section'
import { Fault, Listing, Name, Time } from '../../../components/show'
import { useStepUp } from '../../../components/step-up-context'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import '../../../i18n/en/later/apps'

type Client = components['schemas']['OAuthClient']
type Secret = components['schemas']['OAuthClientSecret']

const lines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)

// Clients are the applications that can sign people in.
export function Clients() {
  const t = useT()
  const client = useQueryClient()
  const [shown, setShown] = useState<Secret>()
  const [edited, setEdited] = useState<Client>()
  const list = usePages(keys.admin('clients'), (query) => data(api.GET('/v1/admin/clients', { params: { query } })))
  const refresh = () => client.invalidateQueries({ queryKey: keys.admin('clients') })
  const of = (one: Client) => ({ params: { path: { client: one.client_id } } })
  return (
    <Stack gap="lg">
      <Section title={t('clients.title')} hint={t('clients.hint')}>
        {shown && <NewSecret of={shown} />}
        <Listing list={list} empty={t('clients.none')}>
          {(clients) => (
            <Table
              label={t('clients.table')}
              rows={clients}
              rowKey={(one) => one.client_id}
              columns={[
                { label: t('clients.name'), cell: (one) => <ClientName client={one} /> },
                {
                  label: t('clients.kind'),
                  cell: (one) => [t(`clients.kind_${one.kind}`), one.trusted && t('clients.trusted'), one.document && t('clients.document')].filter(Boolean).join(', '),
                },
                { label: t('clients.redirects'), cell: (one) => <Redirects uris={one.redirect_uris} /> },
                { label: t('apps.since'), cell: (one) => <Time at={one.created_at} /> },
                {
                  label: t('clients.actions'),
                  action: true,
                  cell: (one) => (
                    <Group gap="xs" justify="flex-end">
                      {!one.document && (
                        <Button size="xs" variant="default" aria-label={t('clients.editOf', { name: one.name })} onClick={() => setEdited(one)}>
                          {t('clients.edit')}
                        </Button>
                      )}
                      {one.kind === 'confidential' && (
                        <RotateSecret
                          client={one}
                          onRotated={async (made) => {
                            setShown(made)
                            await refresh()
                          }}
                        />
                      )}
                      <ConfirmButton
                        label={t('clients.remove')}
                        accessibleLabel={t('clients.removeOf', { name: one.name })}
                        title={t('clients.removeTitle')}
                        text={t('clients.removeText', { name: one.name })}
                        confirm={t('clients.remove')}
                        action={async () => {
                          await data(api.DELETE('/v1/admin/clients/{client}', of(one)))
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
      </Section>
      <Dialog opened={edited !== undefined} onClose={() => setEdited(undefined)} title={t('clients.editTitle', { name: edited?.name ?? '' })} size="lg">
        {edited && (
          <EditClient
            key={edited.client_id}
            client={edited}
            onClose={() => setEdited(undefined)}
            onSaved={async () => {
              setEdited(undefined)
              await refresh()
            }}
          />
        )}
      </Dialog>
      <NewClient
        onCreated={async (made) => {
          setShown(made)
          await refresh()
        }}
      />
    </Stack>
  )
}

// ClientName names a client, which several can be called alike, by its id too.
function ClientName({ client }: { client: Client }) {
  return (
    <Stack gap={0} miw={0}>
      <Name line>{client.name}</Name>
      <Text size="xs" ff="monospace" className="muted" style={{ overflowWrap: 'anywhere' }}>
        {client.client_id}
      </Text>
    </Stack>
  )
}

const shownRedirects = 2

// Redirects are the first of many; the dialog to edit a client has them all.
function Redirects({ uris }: { uris: string[] }) {
  const t = useT()
  return (
    <Stack gap={0} miw={0}>
      {uris.slice(0, shownRedirects).map((uri) => (
        <Text key={uri} size="sm" style={{ overflowWrap: 'anywhere' }}>
          {uri}
        </Text>
      ))}
      {uris.length > shownRedirects && (
        <Text size="sm" className="muted">
          {t('clients.moreRedirects', { count: uris.length - shownRedirects })}
        </Text>
      )}
    </Stack>
  )
}

// NewSecret shows what is not shown again.
function NewSecret({ of: { client, client_id: id, client_secret: secret } }: { of: Secret }) {
  const t = useT()
  return (
    <Alert variant="light" color="teal" title={client.name} role="status">
      <Stack gap="xs">
        <Text size="sm">
          {t('clients.id')}: <Code>{id}</Code>
        </Text>
        {secret && (
          <>
            <Text size="sm">
              {t('clients.secret')}: <Code>{secret}</Code>
            </Text>
            <Group gap="xs">
              <CopyButton value={secret}>
                {({ copied, copy }) => (
                  <Button size="xs" variant="default" onClick={copy}>
                    {copied ? t('common.copied') : t('common.copy')}
                  </Button>
                )}
              </CopyButton>
              <Text size="sm">{t('clients.secretOnce')}</Text>
            </Group>
          </>
        )}
      </Stack>
    </Alert>
  )
}

const overlaps = [0, 3600, 86400, 604800, 2592000] as const

// RotateSecret gives a client a new secret, beside which the present one can go on for a
// while.
function RotateSecret({ client, onRotated }: { client: Client; onRotated: (made: Secret) => Promise<unknown> }) {
  const t = useT()
  const [overlap, setOverlap] = useState('0')
  const path = { path: { client: client.client_id } }
  return (
    <ConfirmButton
      label={t('clients.rotate')}
      accessibleLabel={t('clients.rotateOf', { name: client.name })}
      title={t('clients.rotateTitle')}
      text={
        <Stack>
          <Text>{t('clients.rotateText', { name: client.name })}</Text>
          <NativeSelect
            label={t('clients.overlap')}
            value={overlap}
            data={overlaps.map((seconds) => ({ value: String(seconds), label: t(`clients.overlap_${seconds}`) }))}
            onChange={(event) => setOverlap(event.currentTarget.value)}
          />
        </Stack>
      }
      confirm={t('clients.rotate')}
      action={async () => onRotated(await data(api.POST('/v1/admin/clients/{client}/rotate-secret', { params: path, body: { overlap_seconds: Number(overlap) } })))}
    />
  )
}

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code' as const
const grants = [
  ['authorization_code', 'grant_authorization_code'],
  ['refresh_token', 'grant_refresh_token'],
  [deviceGrant, 'grant_device_code'],
] as const
const algorithms = ['RS256', 'ES256', 'EdDSA'] as const

// Fields are what a person can say of a client, as they type it.
interface Fields {
  name: string
  logo: string
  redirects: string
  postLogout: string
  backchannel: string
  grants: string[]
  scopes: string
  resources: string
  claims: string
  algorithm: string
  trusted: boolean
  team: string
}

const emptyFields: Fields = {
  name: '',
  logo: '',
  redirects: '',
  postLogout: '',
  backchannel: '',
  grants: ['authorization_code', 'refresh_token'],
  scopes: 'openid profile email wallets offline_access',
  resources: '',
  claims: '',
  algorithm: 'RS256',
  trusted: false,
  team: '',
}

const fieldsOf = (client: Client): Fields => ({
  name: client.name,
  logo: client.logo_uri,
  redirects: client.redirect_uris.join('\n'),
  postLogout: client.post_logout_uris.join('\n'),
  backchannel: client.backchannel_logout_uri,
  grants: client.grants,
  scopes: client.scopes.join(' '),
  resources: client.resources.join('\n'),
  claims: client.claims.join(' '),
  algorithm: client.id_token_alg,
  trusted: client.trusted,
  team: client.team_id ?? '',
})

// bodyOf is what the service takes, but the team, which is said in different ways.
const bodyOf = (fields: Fields) => ({
  name: fields.name,
  logo_uri: fields.logo.trim(),
  redirect_uris: lines(fields.redirects),
  post_logout_uris: lines(fields.postLogout),
  backchannel_logout_uri: fields.backchannel.trim(),
  grants: fields.grants as Client['grants'],
  scopes: fields.scopes.split(/\s+/).filter(Boolean),
  resources: lines(fields.resources),
  claims: fields.claims.split(/\s+/).filter(Boolean),
  id_token_alg: fields.algorithm as Client['id_token_alg'],
  trusted: fields.trusted,
})

function ClientFields({ fields, onChange }: { fields: Fields; onChange: (change: Partial<Fields>) => void }) {
  const t = useT()
  const uris = (key: 'redirects' | 'postLogout' | 'resources', required: boolean) => (
    <Textarea
      label={t(`clients.${key}`)}
      description={t('clients.oneALine')}
      value={fields[key]}
      required={required}
      autosize
      minRows={required ? 2 : 1}
      onChange={(event) => onChange({ [key]: event.currentTarget.value })}
    />
  )
  const line = (key: 'logo' | 'backchannel' | 'scopes' | 'claims') => (
    <TextInput label={t(`clients.${key}`)} value={fields[key]} onChange={(event) => onChange({ [key]: event.currentTarget.value })} />
  )
  return (
    <>
      <TextInput label={t('clients.name')} value={fields.name} maxLength={100} required onChange={(event) => onChange({ name: event.currentTarget.value })} />
      <Checkbox.Group label={t('clients.grants')} value={fields.grants} onChange={(chosen) => onChange({ grants: chosen })}>
        <Stack gap="xs" mt="xs">
          {grants.map(([value, key]) => (
            <Checkbox key={value} value={value} label={t(`clients.${key}`)} />
          ))}
        </Stack>
      </Checkbox.Group>
      {uris('redirects', fields.grants.includes('authorization_code'))}
      {uris('postLogout', false)}
      {line('backchannel')}
      {line('logo')}
      {line('scopes')}
      {uris('resources', false)}
      {line('claims')}
      <NativeSelect label={t('clients.algorithm')} value={fields.algorithm} data={[...algorithms]} onChange={(event) => onChange({ algorithm: event.currentTarget.value })} />
      <TextInput
        label={t('clients.team')}
        description={t('clients.teamHint')}
        value={fields.team}
        maxLength={36}
        onChange={(event) => onChange({ team: event.currentTarget.value })}
      />
      <Checkbox label={t('clients.trustedLabel')} checked={fields.trusted} onChange={(event) => onChange({ trusted: event.currentTarget.checked })} />
    </>
  )
}

function EditClient({ client, onSaved, onClose }: { client: Client; onSaved: () => Promise<unknown>; onClose: () => void }) {
  const t = useT()
  const stepUp = useStepUp()
  const [fields, setFields] = useState(() => fieldsOf(client))
  const save = useChange({
    mutationFn: () =>
      withStepUp(
        () =>
          data(
            api.PATCH('/v1/admin/clients/{client}', {
              params: { path: { client: client.client_id } },
              body: { ...bodyOf(fields), team_id: fields.team.trim() },
            }),
          ),
        () => stepUp(),
      ),
    onSuccess: async (saved) => {
      if (saved) await onSaved()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        {client.previous_secret_until && <Text size="sm">{t.rich('clients.oldUntil', { time: <Time at={client.previous_secret_until} /> })}</Text>}
        <ClientFields fields={fields} onChange={(change) => setFields({ ...fields, ...change })} />
        <Fault error={save.error} />
        <Group justify="flex-end">
          <Button variant="default" disabled={save.isPending} onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={save.isPending}>
            {t('clients.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function NewClient({ onCreated }: { onCreated: (made: Secret) => Promise<unknown> }) {
  const t = useT()
  const stepUp = useStepUp()
  const [fields, setFields] = useState(emptyFields)
  const [open, setOpen] = useState(false)
  const create = useChange({
    mutationFn: () =>
      withStepUp(
        () => {
          const team = fields.team.trim()
          const body = { ...bodyOf(fields), kind: open ? ('public' as const) : ('confidential' as const), ...(team && { team_id: team }) }
          return data(api.POST('/v1/admin/clients', { body }))
        },
        () => stepUp(),
      ),
    onSuccess: async (made) => {
      if (!made) return
      setFields(emptyFields)
      setOpen(false)
      await onCreated(made)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.mutate()
  }
  return (
    <Section title={t('clients.create')}>
      <form onSubmit={submit}>
        <Stack>
          <ClientFields fields={fields} onChange={(change) => setFields({ ...fields, ...change })} />
          <Checkbox label={t('clients.publicLabel')} checked={open} onChange={(event) => setOpen(event.currentTarget.checked)} />
          <Fault error={create.error} />
          <Group>
            <Button type="submit" loading={create.isPending}>
              {t('clients.create')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  )
}
