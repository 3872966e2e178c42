import { Alert, Button, Checkbox, Code, CopyButton, Group, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useChange } from '../../../api/change'
import { api, data } from '../../../api/client'
import { keys, usePages } from '../../../api/queries'
import type { components } from '../../../api/schema.gen'
import { withStepUp } from '../../../auth/step-up'
import { ConfirmButton } from '../../../components/confirm'
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
                { label: t('clients.name'), cell: (one) => <Name line>{one.name}</Name> },
                { label: t('clients.id'), cell: (one) => <Code>{one.client_id}</Code> },
                {
                  label: t('clients.kind'),
                  cell: (one) => [t(`clients.kind_${one.kind}`), one.trusted && t('clients.trusted'), one.document && t('clients.document')].filter(Boolean).join(', '),
                },
                { label: t('clients.redirects'), cell: (one) => <Text size="sm">{one.redirect_uris.join(', ')}</Text> },
                { label: t('apps.since'), cell: (one) => <Time at={one.created_at} /> },
                {
                  label: t('clients.remove'),
                  action: true,
                  cell: (one) => (
                    <Group gap="xs" justify="flex-end">
                      {one.kind === 'confidential' && (
                        <ConfirmButton
                          label={t('clients.rotate')}
                          accessibleLabel={t('clients.rotateOf', { name: one.name })}
                          title={t('clients.rotateTitle')}
                          text={t('clients.rotateText', { name: one.name })}
                          confirm={t('clients.rotate')}
                          action={async () => setShown(await data(api.POST('/v1/admin/clients/{client}/rotate-secret', { ...of(one), body: {} })))}
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
      <NewClient
        onCreated={async (made) => {
          setShown(made)
          await refresh()
        }}
      />
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

function NewClient({ onCreated }: { onCreated: (made: Secret) => Promise<unknown> }) {
  const t = useT()
  const stepUp = useStepUp()
  const [name, setName] = useState('')
  const [redirects, setRedirects] = useState('')
  const [postLogout, setPostLogout] = useState('')
  const [backchannel, setBackchannel] = useState('')
  const [open, setOpen] = useState(false)
  const [trusted, setTrusted] = useState(false)
  const create = useChange({
    mutationFn: () =>
      withStepUp(
        () =>
          data(
            api.POST('/v1/admin/clients', {
              body: {
                name,
                kind: open ? 'public' : 'confidential',
                redirect_uris: lines(redirects),
                post_logout_uris: lines(postLogout),
                backchannel_logout_uri: backchannel.trim(),
                trusted,
              },
            }),
          ),
        () => stepUp(),
      ),
    onSuccess: async (made) => {
      if (!made) return
      setName('')
      setRedirects('')
      setPostLogout('')
      setBackchannel('')
      setOpen(false)
      setTrusted(false)
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
          <TextInput label={t('clients.name')} value={name} maxLength={100} required onChange={(event) => setName(event.currentTarget.value)} />
          <Textarea
            label={t('clients.redirects')}
            description={t('clients.oneALine')}
            value={redirects}
            required
            autosize
            minRows={2}
            onChange={(event) => setRedirects(event.currentTarget.value)}
          />
          <Textarea
            label={t('clients.postLogout')}
            description={t('clients.oneALine')}
            value={postLogout}
            autosize
            minRows={1}
            onChange={(event) => setPostLogout(event.currentTarget.value)}
          />
          <TextInput label={t('clients.backchannel')} value={backchannel} onChange={(event) => setBackchannel(event.currentTarget.value)} />
          <Checkbox label={t('clients.publicLabel')} checked={open} onChange={(event) => setOpen(event.currentTarget.checked)} />
          <Checkbox label={t('clients.trustedLabel')} checked={trusted} onChange={(event) => setTrusted(event.currentTarget.checked)} />
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
