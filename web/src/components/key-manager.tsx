import { Badge, Button, Checkbox, Code, CopyButton, Group, NumberInput, Stack, Text, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'
import { useChange } from '../api/change'
import type { Page } from '../api/queries'
import type { APIKey } from '../api/types'
import { withStepUp } from '../auth/step-up'
import { useT } from '../i18n/language'
import { ConfirmButton } from './confirm'
import { Pages, usePaged } from './paged'
import { Section } from './section'
import { Fault, Listing, Name, Time, WordsAlert } from './show'
import { statusColor } from './status'
import { typedFor, useStepUp } from './step-up-context'
import { Table } from './table'
import '../i18n/en/later/keys'

// AnyKey is what the keys of the deployment and those of a team have in common.
type AnyKey = Omit<APIKey, 'scopes'>

interface Props<K extends AnyKey> {
  title: string
  hint: string
  empty: string
  queryKey: readonly unknown[]
  fetchPage: (page: { cursor?: string; limit: number }) => Promise<Page<K>>
  /** What a key may do. */
  may: (key: K) => ReactNode
  /** Whose key it is. */
  maker?: (key: K) => ReactNode
  /** The fields that say what a new key may do. */
  choice: ReactNode
  /** Whether enough is chosen. */
  chosen: boolean
  make: (key: { name: string; expires_in_days: number }) => Promise<{ secret: string }>
  rotate: (key: string) => Promise<{ secret: string }>
  /** Ends a key, and with it the sessions of people for whom it vouched. */
  end: (key: string, sessions: boolean) => Promise<unknown>
}

// KeyManager lists API keys, makes and rotates them, showing the secret once, and
// ends them.
export function KeyManager<K extends AnyKey>(props: Props<K>) {
  const t = useT()
  const client = useQueryClient()
  const [secret, setSecret] = useState<string>()
  const list = usePaged(props.queryKey, props.fetchPage, { limit: 25 })
  const refresh = () => client.invalidateQueries({ queryKey: props.queryKey })
  const show = async (made: { secret: string }) => {
    setSecret(made.secret)
    await refresh()
  }
  return (
    <Section title={props.title} hint={props.hint}>
      {secret ? <Secret secret={secret} onKept={() => setSecret(undefined)} /> : <Make {...props} onMade={show} />}
      <Listing list={list} empty={props.empty}>
        {(rows) => (
          <Table
            label={props.title}
            rows={rows}
            rowKey={(key) => key.id}
            columns={[
              {
                label: t('keys.keyName'),
                cell: (key) => (
                  <Stack gap={0} align="flex-start">
                    <Name line>{key.name}</Name>
                    <Text size="xs" className="muted" component="code">
                      {key.prefix}…
                    </Text>
                  </Stack>
                ),
              },
              { label: t('keys.keyScopes'), cell: props.may },
              {
                label: t('keys.made'),
                cell: (key) => (
                  <Stack gap={0} align="flex-start">
                    <Time at={key.created_at} />
                    {props.maker && (
                      <Text size="xs" className="muted" component="div" maw="100%">
                        {props.maker(key)}
                      </Text>
                    )}
                  </Stack>
                ),
              },
              { label: t('keys.keyUsed'), cell: (key) => (key.last_used_at ? <Time at={key.last_used_at} /> : t('keys.never')) },
              { label: t('keys.keyExpires'), cell: (key) => <Time at={key.expires_at} /> },
              {
                label: t('keys.state'),
                cell: (key) => (
                  <Badge variant="light" color={statusColor(key.status)} miw="max-content">
                    {t(`keys.keyState_${key.status}`)}
                  </Badge>
                ),
              },
              {
                label: t('keys.keyChange'),
                action: true,
                cell: (key) =>
                  key.status === 'active' && (
                    <Group gap="xs">
                      {!key.replaced_by && (
                        <ConfirmButton
                          label={t('keys.keyRotate')}
                          accessibleLabel={t('keys.keyRotateOf', { name: key.name })}
                          title={t('keys.keyRotateTitle')}
                          text={t('keys.keyRotateText')}
                          confirm={t('keys.keyRotateConfirm')}
                          intent={`rotate ${key.id}`}
                          action={async () => show(await props.rotate(key.id))}
                        />
                      )}
                      <End
                        of={key}
                        action={async (sessions) => {
                          await props.end(key.id, sessions)
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

// End asks before it ends a key. One that vouches for people may have opened sessions.
function End({ of: key, action }: { of: AnyKey; action: (sessions: boolean) => Promise<void> }) {
  const t = useT()
  const intent = `end ${key.id}`
  const [sessions, setSessions] = useState(() => typedFor(intent) !== '')
  return (
    <ConfirmButton
      label={t('keys.keyEnd')}
      accessibleLabel={t('keys.keyEndOf', { name: key.name })}
      title={t('keys.keyEndTitle')}
      text={
        <Stack gap="sm">
          <div>{t.rich('keys.keyEndText', { name: <Name key="name">{key.name}</Name> })}</div>
          {key.proves && <Checkbox label={t('keys.keyEndSessions')} checked={sessions} onChange={(event) => setSessions(event.currentTarget.checked)} />}
        </Stack>
      }
      confirm={t('keys.keyEndConfirm')}
      intent={intent}
      typed={sessions ? 'sessions' : ''}
      action={() => action(sessions)}
    />
  )
}

function Make<K extends AnyKey>({ make, choice, chosen, onMade }: Props<K> & { onMade: (made: { secret: string }) => Promise<void> }) {
  const t = useT()
  const stepUp = useStepUp()
  const [name, setName] = useState('')
  const [days, setDays] = useState<number | string>(90)
  const making = useChange({
    mutationFn: async () => {
      const made = await withStepUp(
        () => make({ name: name.trim(), expires_in_days: Number(days) }),
        () => stepUp(),
      )
      if (!made) return
      setName('')
      await onMade(made)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    making.mutate()
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Group align="flex-start">
          <TextInput label={t('keys.keyName')} flex="1 1 12rem" maxLength={100} autoComplete="off" value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <NumberInput label={t('keys.keyDays')} w={180} min={1} max={366} clampBehavior="strict" allowDecimal={false} hideControls value={days} onChange={setDays} />
        </Group>
        {choice}
        <Fault error={making.error} />
        <Button type="submit" style={{ alignSelf: 'flex-start' }} loading={making.isPending} disabled={!name.trim() || !chosen || days === ''}>
          {t('keys.keyMake')}
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
      <WordsAlert kind="done" words={{ title: t('keys.keyMadeTitle'), text: t('keys.keyMadeText') }} />
      {/* In lines: what scrolls sideways is hard to reach by keyboard. */}
      <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
        {secret}
      </Code>
      <Group>
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy}>
              <span aria-live="polite">{t(copied ? 'common.copied' : 'keys.keyCopy')}</span>
            </Button>
          )}
        </CopyButton>
        <Button onClick={onKept}>{t('keys.keyStored')}</Button>
      </Group>
    </Stack>
  )
}
