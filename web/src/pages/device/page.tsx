import { Alert, Avatar, Button, Code, Group, List, Paper, Stack, Text, TextInput, Title } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useSearchParams } from 'react-router'
import { useChange } from '../../api/change'
import { api, data } from '../../api/client'
import type { components } from '../../api/schema.gen'
import type { CurrentSession } from '../../api/types'
import { withStepUp } from '../../auth/step-up'
import { PageTitle } from '../../components/page-title'
import { Fault, Name, personName, Time } from '../../components/show'
import { SignedIn } from '../../components/signed-in'
import { useStepUp } from '../../components/step-up-context'
import { scopesWords } from '../../features/apps/scopes'
import { useT } from '../../i18n/language'
import '../../i18n/en/later/apps'

type Question = components['schemas']['DeviceQuestion'] & { code: string }
type Decision = 'allow' | 'deny'

// DevicePage asks whether an application on a device without a browser may access the
// account (RFC 8628). A link may fill in the code, but never looks it up: the person has
// to compare it first.
export default function DevicePage() {
  return <SignedIn>{(session) => <Device session={session} />}</SignedIn>
}

function Device({ session }: { session: CurrentSession }) {
  const t = useT()
  const [asked, setAsked] = useState<Question>()
  const [decided, setDecided] = useState<Decision>()
  const again = () => {
    setAsked(undefined)
    setDecided(undefined)
  }
  return (
    <Stack maw={480} mx="auto" gap="lg">
      <PageTitle>{t('device.pageTitle')}</PageTitle>
      {!asked && <EnterCode onFound={setAsked} />}
      {asked && !decided && <Decide asked={asked} session={session} onDecided={setDecided} />}
      {asked && decided && (
        <>
          <Alert variant="light" color={decided === 'allow' ? 'teal' : 'gray'} title={t(decided === 'allow' ? 'device.allowed' : 'device.denied')} role="status">
            {decided === 'allow' ? t.rich('device.allowedText', { application: <Name>{asked.client.name}</Name> }) : t('device.deniedText')}
          </Alert>
          <Group>
            <Button variant="default" onClick={again}>
              {t('device.another')}
            </Button>
          </Group>
        </>
      )}
    </Stack>
  )
}

function Warning() {
  const t = useT()
  return (
    <Alert variant="light" color="orange" title={t('device.warning')}>
      {t('device.warningText')}
    </Alert>
  )
}

function EnterCode({ onFound }: { onFound: (asked: Question) => void }) {
  const t = useT()
  const [query] = useSearchParams()
  const [code, setCode] = useState(query.get('user_code')?.slice(0, 64) ?? '')
  const find = useChange({
    mutationFn: () => data(api.POST('/v1/device', { body: { user_code: code } })),
    onSuccess: (found) => onFound({ ...found, code }),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    find.mutate()
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <Title order={1}>{t('device.title')}</Title>
        <Text>{t('device.hint')}</Text>
        <TextInput
          label={t('device.code')}
          value={code}
          placeholder="XXXX-XXXX"
          maxLength={64}
          required
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          onChange={(event) => setCode(event.currentTarget.value)}
        />
        <Warning />
        <Fault error={find.error} />
        <Group>
          <Button type="submit" loading={find.isPending}>
            {t('device.find')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function Decide({ asked, session, onDecided }: { asked: Question; session: CurrentSession; onDecided: (decision: Decision) => void }) {
  const t = useT()
  const stepUp = useStepUp()
  const decide = useChange({
    mutationFn: (decision: Decision) =>
      withStepUp(
        async () => {
          await data(api.POST('/v1/device/decision', { body: { request: asked.request, decision } }))
          return decision
        },
        () => stepUp(),
      ),
    onSuccess: (decision) => {
      if (decision) onDecided(decision)
    },
  })
  const { client, scopes, resources, team } = asked
  return (
    <>
      <Group wrap="nowrap">
        {client.logo_uri && <Avatar src={client.logo_uri} alt="" radius="md" imageProps={{ referrerPolicy: 'no-referrer' }} />}
        <Title order={1}>{t.rich('device.asks', { application: <Name>{client.name}</Name> })}</Title>
      </Group>
      <Text>{t.rich('device.account', { account: <Name>{personName(t, session.user)}</Name> })}</Text>
      <Paper withBorder p="md">
        <Text mb="xs">{t('device.may')}</Text>
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
      <Paper withBorder p="md">
        <Text mb="xs">{t('device.from')}</Text>
        <List>
          <List.Item>
            {t('device.address')}: <Name>{asked.ip}</Name>
          </List.Item>
          <List.Item>
            {t('device.place')}: {asked.place ? <Name>{asked.place}</Name> : t('device.unknownPlace')}
          </List.Item>
          <List.Item>
            {t('device.device')}: <Name>{asked.device}</Name>
          </List.Item>
          <List.Item>
            {t('device.time')}: <Time at={asked.requested_at} />
          </List.Item>
        </List>
      </Paper>
      <Text>{t.rich('device.compare', { code: <Code>{asked.code.trim().toUpperCase()}</Code> })}</Text>
      <Warning />
      <Fault error={decide.error} />
      <Group grow>
        <Button variant="default" disabled={decide.isPending} onClick={() => decide.mutate('deny')}>
          {t('device.deny')}
        </Button>
        <Button loading={decide.isPending} onClick={() => decide.mutate('allow')}>
          {t('device.allow')}
        </Button>
      </Group>
    </>
  )
}
