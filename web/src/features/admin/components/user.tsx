import { Anchor, Button, Group, Stack, Text, TextInput, Title } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { api, data } from '../../../api/client'
import { isProblem } from '../../../api/problem'
import { keys } from '../../../api/queries'
import type { AdminUser, Identity } from '../../../api/types'
import { providerName } from '../../../auth/providers'
import { EndKeys } from '../../../components/end-keys'
import { Pages, usePaged } from '../../../components/paged'
import { Section } from '../../../components/section'
import { Fault, Listing, Name, personName, Retry, Time, Waiting, WordsAlert } from '../../../components/show'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import { auditWhat } from '../../audit/audit'
import { Details, EventDetails } from '../../audit/components/audit-trail'
import { readID } from '../../sessions/filters'
import { Addresses } from './addresses'
import { CancelDeletion, DeleteUser } from './delete-user'
import { Party, userPath } from './links'
import { MergeDialog } from './merge'
import { Merges } from './merges'
import { ReasonConfirm } from './reason-confirm'
import { RefusedProofs } from './refused-proofs'
import { Sessions } from './sessions'
import { Teams } from './teams'
import { UserState } from './users'
import '../../../i18n/en/later/audit'
import '../../../i18n/en/later/operator'

// OneUser is the whole picture of a user, also by a former id.
export function OneUser({ id, me }: { id: string; me: string }) {
  const t = useT()
  const isID = readID(id) !== undefined
  const user = useQuery({
    queryKey: keys.admin('user', id),
    queryFn: () => data(api.GET('/v1/admin/users/{user}', { params: { path: { user: id } } })),
    enabled: isID,
  })
  return (
    <Stack gap="lg">
      <Anchor component={Link} to="/admin/users" size="sm">
        ← {t('operator.users')}
      </Anchor>
      {!isID && <WordsAlert words={{ title: t('common.idWrong'), text: '' }} />}
      {isID && user.isPending && <Waiting />}
      {user.error && (isProblem(user.error, 'not_found') ? <Fault error={user.error} /> : <Retry error={user.error} again={user.refetch} />)}
      {user.data && (
        <>
          {user.data.id !== id.toLowerCase() && <Text role="status">{t('operator.found', { id })}</Text>}
          <Profile user={user.data} me={me} />
          <Ways user={user.data} />
          <Addresses user={user.data.id} />
          <RefusedProofs user={user.data} />
          <Teams user={user.data.id} />
          <Sessions user={user.data.id} />
          <Merges user={user.data.id} />
          <MergeWith user={user.data} />
          <History id={user.data.id} />
        </>
      )}
    </Stack>
  )
}

function Profile({ user, me }: { user: AdminUser; me: string }) {
  const t = useT()
  const facts: [string, React.ReactNode][] = [
    [t('operator.state'), <UserState key="state" user={user} />],
    [t('operator.primaryEmail'), user.primary_email && <Name>{user.primary_email}</Name>],
    [t('operator.suspendedUntil'), user.suspended_until && <Time at={user.suspended_until} />],
    [t('leaving.deletesAt'), user.deletes_at && <Time at={user.deletes_at} />],
    [t('leaving.deletedAt'), user.deleted_at && <Time at={user.deleted_at} />],
    [t('operator.id'), <code key="id">{user.id}</code>],
    [t('operator.made'), <Time key="made" at={user.created_at} />],
    [t('operator.onboarded'), user.onboarded_at && <Time at={user.onboarded_at} />],
    [t('operator.formerIds'), user.merged_from.length > 0 && user.merged_from.map((id) => <div key={id}>{<code>{id}</code>}</div>)],
    [t('operator.externalId'), user.external_id && <Name>{user.external_id}</Name>],
    [t('operator.appMetadata'), Object.keys(user.app_metadata).length > 0 && <Details data={user.app_metadata} />],
    [t('operator.metadata'), Object.keys(user.metadata).length > 0 && <Details data={user.metadata} />],
  ]
  return (
    <Section title={t('operator.account')} action={user.id !== me && user.status !== 'merged' && !user.deleted_at && <Actions user={user} />}>
      <Title order={3} size="h4">
        <Name>{personName(t, user)}</Name>
      </Title>
      <dl className="facts">
        {facts
          .filter(([, value]) => value)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd className="name">{value}</dd>
            </div>
          ))}
      </dl>
    </Section>
  )
}

function Actions({ user }: { user: AdminUser }) {
  if (user.deletes_at) return <CancelDeletion user={user} />
  return (
    <Group gap="xs">
      <ChangeStatus user={user} />
      <DeleteUser user={user} />
    </Group>
  )
}

function ChangeStatus({ user }: { user: AdminUser }) {
  const t = useT()
  const client = useQueryClient()
  const intent = `status ${user.id}`
  const suspend = user.status === 'active'
  const [endKeys, setEndKeys] = useState(false)
  const created = useQuery({
    queryKey: keys.admin('user keys', user.id),
    queryFn: async () => (await data(api.GET('/v1/admin/users/{user}/api-keys', { params: { path: { user: user.id } } }))).data,
    enabled: suspend,
  })
  const name = <Name key="name">{personName(t, user)}</Name>
  const change = async (reason: string) => {
    const status = suspend ? ('disabled' as const) : ('active' as const)
    await data(
      api.PATCH('/v1/admin/users/{user}', {
        params: { path: { user: user.id } },
        body: { status, ...(reason ? { reason } : {}), ...(suspend && endKeys ? { end_keys: true } : {}) },
      }),
    )
    setEndKeys(false)
    await client.invalidateQueries({ queryKey: keys.operator })
  }
  return (
    <ReasonConfirm
      key={user.status}
      label={t(suspend ? 'operator.suspend' : 'operator.restore')}
      title={t(suspend ? 'operator.suspendTitle' : 'operator.restoreTitle')}
      text={
        <Stack gap="sm">
          <div>{t.rich(suspend ? 'operator.suspendText' : 'operator.restoreText', { name })}</div>
          {suspend && <EndKeys keys={created.data ?? []} checked={endKeys} onChange={setEndKeys} />}
        </Stack>
      }
      confirm={t(suspend ? 'operator.suspendConfirm' : 'operator.restoreConfirm')}
      intent={intent}
      action={change}
    />
  )
}

function Ways({ user }: { user: AdminUser }) {
  const t = useT()
  return (
    <Section title={t('operator.ways')}>
      {user.identities.length === 0 ? (
        <Text className="muted">{t('operator.noWays')}</Text>
      ) : (
        <Table
          label={t('operator.ways')}
          rows={user.identities}
          rowKey={(identity) => identity.id}
          columns={[
            { label: t('operator.way'), cell: (identity) => providerName(t, identity.provider) },
            { label: t('operator.account'), cell: (identity) => <Account identity={identity} /> },
            { label: t('operator.label'), cell: (identity) => identity.label && <Name>{identity.label}</Name> },
            { label: t('operator.made'), cell: (identity) => <Time at={identity.created_at} /> },
            { label: t('operator.lastUsed'), cell: (identity) => <Time at={identity.last_used_at} /> },
          ]}
        />
      )}
    </Section>
  )
}

// Account is what a person knows it by, and what the service does.
function Account({ identity }: { identity: Identity }) {
  const t = useT()
  const { wallet } = identity
  const known = wallet ? wallet.ens_name : identity.email
  return (
    <Stack gap={0}>
      {known && <Name>{known}</Name>}
      <Text size={known ? 'xs' : 'sm'} {...(known ? { className: 'muted' } : {})} component="div">
        <Name>{wallet?.address ?? identity.subject}</Name>
      </Text>
      {wallet?.kind === 'contract' && <span className="muted">{t('operator.contract', { chain: String(wallet.chain_id) })}</span>}
    </Stack>
  )
}

function MergeWith({ user }: { user: AdminUser }) {
  const t = useT()
  const navigate = useNavigate()
  const [typed, setTyped] = useState('')
  const [wrong, setWrong] = useState(false)
  const [other, setOther] = useState<string>()
  if (user.status === 'merged') return null
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const id = readID(typed)
    setWrong(!id)
    setOther(id)
  }
  return (
    <Section title={t('operator.mergeWith')} hint={t('operator.mergeWithHint')}>
      <form onSubmit={submit}>
        <Group align="flex-start">
          <TextInput
            label={t('operator.otherId')}
            flex="1 1 16rem"
            value={typed}
            maxLength={40}
            spellCheck={false}
            error={wrong && t('common.idWrong')}
            onChange={(event) => {
              setWrong(false)
              setTyped(event.currentTarget.value)
            }}
          />
          <Button type="submit" variant="default" mt={25} disabled={!typed.trim()}>
            {t('operator.preview')}
          </Button>
        </Group>
      </form>
      {other && <MergeDialog ids={[user.id, other]} onClose={() => setOther(undefined)} onMerged={(merged) => void navigate(userPath(merged.survivor.id))} />}
    </Section>
  )
}

function History({ id }: { id: string }) {
  const t = useT()
  const list = usePaged(keys.admin('history', id), (page) => data(api.GET('/v1/admin/users/{user}/history', { params: { path: { user: id }, query: page } })), { limit: 25 })
  return (
    <Section title={t('operator.history')} hint={t('operator.historyHint')}>
      <Listing list={list} empty={t('operator.historyNone')}>
        {(events) => (
          <Table
            label={t('operator.history')}
            rows={events}
            rowKey={(event) => event.id}
            columns={[
              { label: t('audit.what'), cell: (event) => auditWhat(t, event) },
              { label: t('operator.why'), cell: (event) => <EventDetails data={event.data} /> },
              { label: t('audit.who'), cell: (event) => (event.actor_id ? <Party id={event.actor_id} party={event.actor} /> : t('common.noActor')) },
              { label: t('audit.when'), cell: (event) => <Time at={event.at} /> },
              { label: t('audit.from'), cell: (event) => event.ip && <Name line>{event.ip}</Name> },
            ]}
          />
        )}
      </Listing>
      <Pages list={list} />
    </Section>
  )
}
