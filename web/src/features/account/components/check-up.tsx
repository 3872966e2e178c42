import { Button, Group, Paper, RingProgress, SimpleGrid, Stack, Text, ThemeIcon, Title } from '@mantine/core'
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useId } from 'react'
import { Link } from 'react-router'
import { api, data } from '../../../api/client'
import { keys, type useIdentities } from '../../../api/queries'
import { Section } from '../../../components/section'
import { Retry } from '../../../components/show'
import { useT } from '../../../i18n/language'
import { unconfirmed } from '../methods'
import type { ToConfirm } from './addresses'
import '../../../i18n/en/later/account'

interface Step {
  id: string
  done: boolean
  next: string
  title: string
  text: string
  /** Where it is done, if not on this page. */
  to?: string
  state?: ToConfirm
  action?: string
}

const [addMethod, makeCodes] = ['/account/sign-in-methods#add-method', '/account/sign-in-methods#recovery-codes']

// CheckUp says what would make the account safer, and where that is done. It shows
// nothing until all of it is known, so that no figure is wrong for a moment.
export function CheckUp({ identities }: { identities: ReturnType<typeof useIdentities> }) {
  const t = useT()
  const id = useId()
  const codes = useQuery({ queryKey: keys.recovery, queryFn: () => data(api.GET('/v1/me/recovery-codes')) })
  const emails = useQuery({ queryKey: keys.emails, queryFn: async () => (await data(api.GET('/v1/me/emails'))).data })
  const me = useQuery({ queryKey: keys.me, queryFn: () => data(api.GET('/v1/me')) })
  if (!identities.rows || !codes.data || !emails.data || !me.data) {
    // The sections below say themselves that these cannot be read, and ask again.
    if ((!identities.rows && identities.error) || (!codes.data && codes.error)) return null
    const failed = [emails, me].filter((query) => !query.data && query.error)
    if (failed[0]) {
      return (
        <Section title={t('checkUp.title')}>
          <Retry error={failed[0].error} again={() => Promise.all(failed.map((query) => query.refetch()))} />
        </Section>
      )
    }
    return <Paper withBorder h={{ base: 328, sm: 204 }} style={{ visibility: 'hidden' }} />
  }
  const methods = identities.rows.length
  const verified = new Set(emails.data.map(({ address }) => address))
  const shown = unconfirmed(identities.rows, emails.data).map(({ address }) => address)
  const others = me.data.possible_duplicates ?? []
  const left = codes.data.remaining
  const steps: Step[] = [
    {
      id: 'methods',
      next: t('checkUp.nextMethods'),
      done: methods > 1,
      title: t('checkUp.methods', { count: methods }),
      text: t(methods > 1 ? 'checkUp.methodsDone' : 'checkUp.methodsText'),
      ...(methods > 1 ? {} : { to: addMethod, action: t('checkUp.addMethod') }),
    },
    {
      id: 'codes',
      next: t('checkUp.nextCodes'),
      done: left > 0,
      title: left > 0 ? t('checkUp.codes', { count: left }) : t('checkUp.noCodes'),
      text: t('checkUp.codesText'),
      ...(left > 0 ? {} : { to: makeCodes, action: t('checkUp.createCodes') }),
    },
    {
      id: 'emails',
      next: t('checkUp.nextEmails'),
      done: shown.length === 0 && verified.size > 0,
      title: shown.length > 0 ? t('checkUp.toConfirm', { count: shown.length }) : t('checkUp.emails', { count: verified.size }),
      text: shown[0] ?? t(verified.size > 0 ? 'checkUp.emailsDone' : 'checkUp.emailsText'),
      ...(shown.length > 0 || verified.size === 0 ? { to: '/account/emails', action: t(shown.length > 0 ? 'checkUp.confirm' : 'checkUp.add') } : {}),
      ...(shown[0] ? { state: { confirm: shown[0] } } : {}),
    },
    {
      id: 'others',
      next: t('checkUp.nextOthers'),
      done: others.length === 0,
      title: others.length > 0 ? t('checkUp.others', { count: others.length }) : t('checkUp.noOthers'),
      text: others[0]?.address ?? t('checkUp.othersDone'),
      // A person who proves the other account can merge it.
      ...(others.length > 0 ? { to: addMethod, action: t('checkUp.review') } : {}),
    },
  ]
  const done = steps.filter((step) => step.done).length
  const next = steps.find((step) => !step.done)
  return (
    <Paper withBorder component="section" aria-labelledby={id}>
      <Group p="md" gap="sm" wrap="nowrap">
        <RingProgress size={40} thickness={4} sections={[{ value: (100 * done) / steps.length, color: 'teal' }]} aria-hidden />
        <Stack gap={0} miw={0}>
          <Title order={2} size="h5" id={id} tabIndex={-1}>
            {t('checkUp.title')}
          </Title>
          <Text size="sm" className="muted">
            {next ? t('checkUp.next', { done, all: steps.length, step: next.next }) : t('checkUp.allDone')}
          </Text>
        </Stack>
      </Group>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing={0} verticalSpacing={0} className="check-up">
        {steps.map((step) => (
          <Group key={step.id} gap="sm" wrap="nowrap" px="md" py="sm">
            <ThemeIcon variant="light" radius="xl" size={28} color={step.done ? 'teal' : 'orange'}>
              {step.done ? <IconCheck size={16} aria-label={t('checkUp.done')} /> : <IconAlertTriangle size={16} aria-label={t('checkUp.open')} />}
            </ThemeIcon>
            <Stack gap={0} miw={0} flex={1}>
              <Text size="sm" fw={500}>
                {step.title}
              </Text>
              <Text size="xs" className="muted name">
                {step.text}
              </Text>
            </Stack>
            {step.to && (
              <Button component={Link} to={step.to} state={step.state} variant="default" size="xs" style={{ flex: 'none' }}>
                {step.action}
              </Button>
            )}
          </Group>
        ))}
      </SimpleGrid>
    </Paper>
  )
}
