import { Alert, Anchor, Badge, Button, Checkbox, Code, CopyButton, Group, NativeSelect, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { Link } from 'react-router'
import { useChange } from '../../../api/change'
import { api, data } from '../../../api/client'
import { keys, usePages } from '../../../api/queries'
import type { components } from '../../../api/schema.gen'
import { withStepUp } from '../../../auth/step-up'
import { ConfirmButton } from '../../../components/confirm'
import { Pages, usePaged } from '../../../components/paged'
import { Section } from '../../../components/section'
import { Fault, Listing, Name, Retry, Time, Waiting, WordsAlert } from '../../../components/show'
import { useStepUp } from '../../../components/step-up-context'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import '../../../i18n/en/later/webhooks'

type Webhook = components['schemas']['Webhook']
type Secret = components['schemas']['WebhookSecret']
type Delivery = components['schemas']['WebhookDelivery']
type Status = components['schemas']['DeliveryStatus']
type EventType = components['schemas']['EventType']

// All but the test event, which comes whatever is chosen.
const types: EventType[] = [
  'user.created',
  'user.updated',
  'user.suspended',
  'user.restored',
  'user.merged',
  'user.merge_undone',
  'user.deletion_requested',
  'user.deletion_cancelled',
  'user.deleted',
  'identity.linked',
  'identity.unlinked',
  'session.created',
  'session.ended',
  'team.created',
  'team.updated',
  'team.deleted',
  'member.added',
  'member.role_changed',
  'member.removed',
  'team_session.created',
  'team_session.revoked',
  'invitation.created',
  'invitation.accepted',
  'invitation.declined',
  'invitation.cancelled',
  'duplicate.found',
]

const of = (webhook: string) => ({ params: { path: { webhook } } })

// Webhooks are the URLs that events are sent to.
export function Webhooks() {
  const t = useT()
  const client = useQueryClient()
  const [shown, setShown] = useState<Secret>()
  const list = usePages(keys.admin('webhooks'), (query) => data(api.GET('/v1/admin/webhooks', { params: { query } })))
  return (
    <Stack gap="lg">
      <Section title={t('webhooks.title')} hint={t('webhooks.hint')}>
        {shown && <NewSecret of={shown} />}
        <Listing list={list} empty={t('webhooks.none')}>
          {(rows) => (
            <Table
              label={t('webhooks.table')}
              rows={rows}
              rowKey={(one) => one.id}
              columns={[
                {
                  label: t('webhooks.url'),
                  cell: (one) => (
                    <Stack gap={0} align="flex-start">
                      <Name line>{one.url}</Name>
                      <Text size="xs" className="muted">
                        {one.description}
                      </Text>
                    </Stack>
                  ),
                },
                { label: t('webhooks.types'), cell: (one) => <Text size="sm">{one.types.join(', ') || t('webhooks.all')}</Text> },
                { label: t('webhooks.state'), cell: (one) => <State of={one} /> },
                {
                  label: t('webhooks.open'),
                  action: true,
                  cell: (one) => (
                    <Anchor component={Link} to={`/admin/webhooks/${one.id}`} aria-label={t('webhooks.openOf', { url: one.url })}>
                      {t('webhooks.open')}
                    </Anchor>
                  ),
                },
              ]}
            />
          )}
        </Listing>
      </Section>
      <NewWebhook
        onCreated={async (made) => {
          setShown(made)
          await client.invalidateQueries({ queryKey: keys.admin('webhooks') })
        }}
      />
    </Stack>
  )
}

function State({ of: { status, disabled_reason: why, failing_since: failing } }: { of: Webhook }) {
  const t = useT()
  return (
    <Stack gap={0} align="flex-start">
      <Badge variant="light" color={status === 'enabled' ? 'teal' : 'red'} miw="max-content">
        {t(`webhooks.state_${status}`)}
      </Badge>
      {(why === 'gone' || why === 'failing') && (
        <Text size="xs" className="muted">
          {t(`webhooks.why_${why}`)}
        </Text>
      )}
      {failing && (
        <Text size="xs" className="muted">
          {t('webhooks.failingSince')} <Time at={failing} />
        </Text>
      )}
    </Stack>
  )
}

// NewSecret shows what is not shown again.
function NewSecret({ of: { url, secret } }: { of: Secret }) {
  const t = useT()
  return (
    <Alert variant="light" color="teal" title={url} role="status">
      <Stack gap="xs">
        <Text size="sm">
          {t('webhooks.secret')}: <Code>{secret}</Code>
        </Text>
        <Group gap="xs">
          <CopyButton value={secret}>
            {({ copied, copy }) => (
              <Button size="xs" variant="default" onClick={copy}>
                {copied ? t('common.copied') : t('common.copy')}
              </Button>
            )}
          </CopyButton>
          <Text size="sm">{t('webhooks.secretOnce')}</Text>
        </Group>
      </Stack>
    </Alert>
  )
}

function NewWebhook({ onCreated }: { onCreated: (made: Secret) => Promise<unknown> }) {
  const t = useT()
  const stepUp = useStepUp()
  const [url, setURL] = useState('')
  const [description, setDescription] = useState('')
  const [chosen, setChosen] = useState<string[]>([])
  const create = useChange({
    mutationFn: () =>
      withStepUp(
        () => data(api.POST('/v1/admin/webhooks', { body: { url: url.trim(), description, types: chosen as EventType[] } })),
        () => stepUp(),
      ),
    onSuccess: async (made) => {
      if (!made) return
      setURL('')
      setDescription('')
      setChosen([])
      await onCreated(made)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.mutate()
  }
  return (
    <Section title={t('webhooks.create')}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput label={t('webhooks.url')} type="url" value={url} maxLength={2000} required onChange={(event) => setURL(event.currentTarget.value)} />
          <TextInput label={t('webhooks.description')} value={description} maxLength={200} onChange={(event) => setDescription(event.currentTarget.value)} />
          <Checkbox.Group label={t('webhooks.types')} description={t('webhooks.typesHint')} value={chosen} onChange={setChosen}>
            <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="xs" mt="xs">
              {types.map((type) => (
                <Checkbox key={type} value={type} label={type} />
              ))}
            </SimpleGrid>
          </Checkbox.Group>
          <Fault error={create.error} />
          <Group>
            <Button type="submit" loading={create.isPending}>
              {t('webhooks.create')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  )
}

// OneWebhook is a webhook with what was sent to it.
export function OneWebhook({ id }: { id: string }) {
  const t = useT()
  const client = useQueryClient()
  const one = useQuery({ queryKey: keys.admin('webhooks', id), queryFn: () => data(api.GET('/v1/admin/webhooks/{webhook}', of(id))) })
  const [secret, setSecret] = useState<Secret>()
  const refresh = () => client.invalidateQueries({ queryKey: keys.admin('webhooks') })
  if (one.error) return <Retry error={one.error} again={one.refetch} />
  if (!one.data) return <Waiting />
  const { url, status } = one.data
  const named = (change: string) => t('webhooks.changeOf', { change, url })
  return (
    <Stack gap="lg">
      <Anchor component={Link} to="/admin/webhooks">
        {t('webhooks.back')}
      </Anchor>
      <Section title={url} hint={one.data.description || undefined}>
        {secret && <NewSecret of={secret} />}
        <Group justify="space-between">
          <State of={one.data} />
          <Group gap="xs">
            {status === 'enabled' ? (
              <ConfirmButton
                label={t('webhooks.disable')}
                accessibleLabel={named(t('webhooks.disable'))}
                title={t('webhooks.disableTitle')}
                text={t('webhooks.disableText', { url })}
                confirm={t('webhooks.disable')}
                action={async () => {
                  await data(api.PATCH('/v1/admin/webhooks/{webhook}', { ...of(id), body: { status: 'disabled' } }))
                  await refresh()
                }}
              />
            ) : (
              <Act
                label={t('webhooks.enable')}
                act={async () => {
                  await data(api.PATCH('/v1/admin/webhooks/{webhook}', { ...of(id), body: { status: 'enabled' } }))
                  await refresh()
                }}
              />
            )}
            <ConfirmButton
              label={t('webhooks.rotate')}
              accessibleLabel={named(t('webhooks.rotate'))}
              title={t('webhooks.rotateTitle')}
              text={t('webhooks.rotateText', { url })}
              confirm={t('webhooks.rotate')}
              action={async () => setSecret(await data(api.POST('/v1/admin/webhooks/{webhook}/rotate-secret', { ...of(id), body: {} })))}
            />
            <ConfirmButton
              label={t('webhooks.remove')}
              accessibleLabel={named(t('webhooks.remove'))}
              title={t('webhooks.removeTitle')}
              text={t('webhooks.removeText', { url })}
              confirm={t('webhooks.remove')}
              action={async () => {
                await data(api.DELETE('/v1/admin/webhooks/{webhook}', of(id)))
                await refresh()
              }}
            />
          </Group>
        </Group>
      </Section>
      <Deliveries id={id} enabled={status === 'enabled'} />
    </Stack>
  )
}

// Act is a button for what needs a fresh session and can be undone.
function Act({ label, named, act, disabled = false }: { label: string; named?: string; act: () => Promise<unknown>; disabled?: boolean }) {
  const stepUp = useStepUp()
  const run = useChange({
    mutationFn: () =>
      withStepUp(
        async () => ({ done: await act() }),
        () => stepUp(),
      ),
  })
  return (
    <Stack gap="xs">
      <Button size="xs" variant="default" aria-label={named} disabled={disabled} loading={run.isPending} onClick={() => run.mutate()}>
        {label}
      </Button>
      <Fault error={run.error} />
    </Stack>
  )
}

const again = 3000 // milliseconds, while something is on its way

function Deliveries({ id, enabled }: { id: string; enabled: boolean }) {
  const t = useT()
  const client = useQueryClient()
  const [status, setStatus] = useState<Status | ''>('')
  const [since, setSince] = useState('')
  const [said, setSaid] = useState('')
  const list = usePaged(
    keys.admin('webhooks', id, 'deliveries', status),
    (query) => data(api.GET('/v1/admin/webhooks/{webhook}/deliveries', { params: { path: { webhook: id }, query: { ...query, ...(status ? { status } : {}) } } })),
    { limit: 25, lookAgain: (rows) => (said || rows.some((row) => row.status === 'pending') ? again : undefined) },
  )
  const replay = async (body: { delivery: string } | { since: string }) => {
    const { deliveries } = await data(api.POST('/v1/admin/webhooks/{webhook}/replay', { ...of(id), body }))
    setSaid(t('webhooks.replayed', { count: deliveries }))
    await client.invalidateQueries({ queryKey: keys.admin('webhooks', id) })
  }
  return (
    <Section title={t('webhooks.deliveries')} hint={t('webhooks.deliveriesHint')}>
      <Group align="flex-end">
        <NativeSelect
          label={t('webhooks.status')}
          value={status}
          onChange={(event) => setStatus(event.currentTarget.value as Status | '')}
          data={[
            { value: '', label: t('webhooks.anyStatus') },
            { value: 'pending', label: t('webhooks.status_pending') },
            { value: 'delivered', label: t('webhooks.status_delivered') },
            { value: 'failed', label: t('webhooks.status_failed') },
          ]}
        />
        <TextInput type="datetime-local" label={t('webhooks.replaySince')} value={since} onChange={(event) => setSince(event.currentTarget.value)} />
        <Act label={t('webhooks.replayAll')} disabled={!enabled || !since} act={() => replay({ since: new Date(since).toISOString() })} />
        <Act
          label={t('webhooks.test')}
          disabled={!enabled}
          act={async () => {
            await data(api.POST('/v1/admin/webhooks/{webhook}/test', of(id)))
            setSaid(t('webhooks.tested'))
            await client.invalidateQueries({ queryKey: keys.admin('webhooks', id) })
          }}
        />
      </Group>
      {said && <WordsAlert kind="done" words={{ title: said, text: '' }} />}
      <Listing list={list} empty={t('webhooks.noDeliveries')}>
        {(rows) => (
          <Table
            label={t('webhooks.deliveries')}
            rows={rows}
            rowKey={(row) => row.id}
            columns={[
              { label: t('webhooks.event'), cell: (row) => <Payload of={row} /> },
              { label: t('webhooks.when'), cell: (row) => <Time at={row.created_at} /> },
              {
                label: t('webhooks.status'),
                cell: (row) => (
                  <Badge variant="light" color={{ pending: 'orange', delivered: 'teal', failed: 'red' }[row.status]} miw="max-content">
                    {t(`webhooks.status_${row.status}`)}
                  </Badge>
                ),
              },
              {
                label: t('webhooks.attempts'),
                cell: (row) => (
                  <Stack gap={0} align="flex-start">
                    <span>{row.attempts}</span>
                    {row.next_attempt_at && row.attempts > 0 && (
                      <Text size="xs" className="muted">
                        {t.rich('webhooks.next', { time: <Time key="time" at={row.next_attempt_at} /> })}
                      </Text>
                    )}
                  </Stack>
                ),
              },
              { label: t('webhooks.answer'), cell: (row) => <Answer of={row} /> },
              {
                label: t('webhooks.replay'),
                action: true,
                cell: (row) => (
                  <Act
                    label={t('webhooks.replay')}
                    named={t('webhooks.replayOf', { type: row.event.type, seq: String(row.event.seq) })}
                    disabled={!enabled}
                    act={() => replay({ delivery: row.id })}
                  />
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

function Payload({ of: { event } }: { of: Delivery }) {
  const t = useT()
  return (
    <details>
      <summary aria-label={`${t('webhooks.sent')}: ${event.type} ${event.seq}`}>{event.type}</summary>
      <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
        {JSON.stringify(event, null, 2)}
      </Code>
    </details>
  )
}

function Answer({ of: row }: { of: Delivery }) {
  const t = useT()
  if (!row.attempted_at) return null
  const short = row.response_status === null ? row.error || t('webhooks.noAnswer') : String(row.response_status)
  if (!row.response_body) return <Text size="sm">{short}</Text>
  return (
    <details>
      <summary aria-label={`${t('webhooks.answered')}: ${short}`}>{short}</summary>
      <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
        {row.response_body}
      </Code>
    </details>
  )
}
