import { Alert, Avatar, Button, Group, List, Paper, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useSearchParams } from 'react-router'
import { navigationPending, useChange } from '../../api/change'
import { api, data } from '../../api/client'
import { keys } from '../../api/queries'
import type { CurrentSession } from '../../api/types'
import { leaveFor } from '../../auth/return-to'
import { PageTitle } from '../../components/page-title'
import { Fault, Name, personName, Retry, Waiting } from '../../components/show'
import { SignedIn } from '../../components/signed-in'
import { scopesWords } from '../../features/apps/scopes'
import { useT } from '../../i18n/language'
import '../../i18n/en/later/apps'

const isLoopback = (host: string) => /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host)

// ConsentPage asks whether an application may access the account.
export default function ConsentPage() {
  return <SignedIn>{(session) => <Consent session={session} />}</SignedIn>
}

function Consent({ session }: { session: CurrentSession }) {
  const t = useT()
  const [query] = useSearchParams()
  const request = query.get('request') ?? ''
  const asked = useQuery({
    queryKey: keys.consent(request),
    queryFn: () => data(api.GET('/v1/consent', { params: { query: { request } } })),
    enabled: request !== '',
    retry: false,
  })
  const decide = useChange({
    mutationFn: (decision: 'allow' | 'deny') => data(api.POST('/v1/consent', { body: { request, decision } })),
    onSuccess: ({ url }) => {
      leaveFor(url)
      return navigationPending()
    },
  })
  if (!request) return <Text>{t('consent.missing')}</Text>
  if (asked.error) return <Retry error={asked.error} again={asked.refetch} />
  if (!asked.data) return <Waiting />
  const { client, scopes, resources, team, redirect_host: host } = asked.data
  const application = <Name>{client.name}</Name>
  return (
    <Stack maw={480} mx="auto" gap="lg">
      <PageTitle>{t('consent.pageTitle')}</PageTitle>
      <Group wrap="nowrap">
        {client.logo_uri && <Avatar src={client.logo_uri} alt="" radius="md" imageProps={{ referrerPolicy: 'no-referrer' }} />}
        <Title order={1}>{t.rich('consent.title', { application })}</Title>
      </Group>
      {client.document_host && (
        <Alert color="orange" title={t.rich('consent.unknown', { host: <strong>{client.document_host}</strong> })}>
          {t('consent.unknownText')}
        </Alert>
      )}
      {client.self_registered && (
        <Alert color="orange" title={t('consent.selfRegistered')}>
          {t('consent.selfRegisteredText')}
        </Alert>
      )}
      <Text>{t.rich('consent.asks', { application, account: <Name>{personName(t, session.user)}</Name> })}</Text>
      <Paper withBorder p="md">
        <Text mb="xs">{t('consent.may')}</Text>
        <List>
          {scopesWords(t, scopes).map((words) => (
            <List.Item key={words}>{words}</List.Item>
          ))}
          {resources.map((resource) => (
            <List.Item key={resource}>{t.rich('consent.resource', { resource: <Name>{resource}</Name> })}</List.Item>
          ))}
        </List>
      </Paper>
      {team && <Text>{t.rich('consent.team', { team: <Name>{team.name}</Name> })}</Text>}
      <Text>{t.rich('consent.goesTo', { host: <strong>{host}</strong> })}</Text>
      {(client.document_host || client.self_registered) && isLoopback(host) && <Text>{t('consent.local')}</Text>}
      <Fault error={decide.error} />
      <Group grow>
        <Button variant="default" disabled={decide.isPending} onClick={() => decide.mutate('deny')}>
          {t('consent.deny')}
        </Button>
        <Button loading={decide.isPending} onClick={() => decide.mutate('allow')}>
          {t('consent.allow')}
        </Button>
      </Group>
      <Text size="sm" className="muted">
        {t('consent.trust')}
      </Text>
    </Stack>
  )
}
