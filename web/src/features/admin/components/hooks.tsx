import { Badge, Code, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'
import type { Hook } from '../../../api/types'
import { Section } from '../../../components/section'
import { Name, Retry, Time, Waiting } from '../../../components/show'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import { hookState } from '../hook-state'
import '../../../i18n/en/later/hooks'

const titles = { 'sign_in.before': 'hooks.signIn', 'user.before_create': 'hooks.userCreate', 'token.before': 'hooks.token' } as const
const variables = { 'sign_in.before': 'LATCHKEY_HOOK_SIGN_IN_URL', 'user.before_create': 'LATCHKEY_HOOK_USER_CREATE_URL', 'token.before': 'LATCHKEY_HOOK_TOKEN_URL' } as const
const colors = { off: 'gray', unused: 'gray', failing: 'red', working: 'teal' } as const

// Hooks shows what the application is asked, and how it answers.
export function Hooks() {
  const t = useT()
  const hooks = useQuery({ queryKey: keys.admin('hooks'), queryFn: () => data(api.GET('/v1/admin/hooks')), refetchInterval: 10_000 })
  return (
    <Section title={t('hooks.title')} hint={t('hooks.hint')} bare>
      {hooks.isPending && <Waiting />}
      {hooks.error && <Retry error={hooks.error} again={hooks.refetch} />}
      {hooks.data?.data.map((hook) => (
        <OneHook key={hook.type} hook={hook} />
      ))}
    </Section>
  )
}

function OneHook({ hook }: { hook: Hook }) {
  const t = useT()
  const state = hookState(hook)
  const title = t(titles[hook.type])
  return (
    <Section
      title={title}
      action={
        <Badge variant="light" color={colors[state]} tt="none" miw="max-content">
          {t(`hooks.${state}`)}
        </Badge>
      }
    >
      <Stack gap="sm">
        <Text size="sm">
          <Code>{hook.type}</Code>
        </Text>
        {state === 'off' ? (
          <Text size="sm" className="muted">
            {t.rich('hooks.offText', { variable: <Code>{variables[hook.type]}</Code> })}
          </Text>
        ) : (
          <Facts hook={hook} />
        )}
        {hook.failures.length > 0 && (
          <>
            <Text size="sm" fw={600}>
              {t('hooks.failures')}
            </Text>
            <Table
              label={t('hooks.failuresOf', { hook: title })}
              rows={hook.failures}
              rowKey={({ at, error }) => at + error}
              columns={[
                { label: t('hooks.when'), cell: ({ at }) => <Time at={at} /> },
                { label: t('hooks.error'), cell: ({ error }) => <Name>{error}</Name> },
              ]}
            />
          </>
        )}
      </Stack>
    </Section>
  )
}

function Facts({ hook }: { hook: Hook }) {
  const t = useT()
  const facts: [string, ReactNode][] = [
    [t('hooks.origin'), hook.origin && <Name>{hook.origin}</Name>],
    [t('hooks.onFailure'), hook.on_failure && t(`hooks.${hook.on_failure}`)],
    [t('hooks.secrets'), hook.secret_fingerprints.join(', ')],
    [t('hooks.requests'), t('hooks.requestsFailed', { requests: hook.requests, failed: hook.failed })],
    [t('hooks.answered'), hook.last_answered_at && <Time at={hook.last_answered_at} />],
  ]
  return (
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
  )
}
