import { Anchor, Button, Group, Stack, Title } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from 'react-router'
import { api, data } from '../../../api/client'
import type { Problem } from '../../../api/problem'
import { keys, refreshTeam, useIdentities, useProviders } from '../../../api/queries'
import { providerName } from '../../../auth/providers'
import { wantsFresh } from '../../../auth/step-up'
import { ConfirmButton } from '../../../components/confirm'
import { PageTitle } from '../../../components/page-title'
import { Fault, Name } from '../../../components/show'
import { useStepUp } from '../../../components/step-up-context'
import { useT } from '../../../i18n/language'
import '../../../i18n/en/later/step-up'
import '../../../i18n/en/later/team'

interface Refusal {
  error: Problem
  again: () => unknown
}

// Refused is the page of a team whose policy does not admit the session: what
// would satisfy it, and emergency access for owners, so that they can change it.
export function Refused({ id, error, again }: Refusal & { id: string }) {
  const t = useT()
  const client = useQueryClient()
  const team = useQuery({ queryKey: [...keys.team(id), 'mine'], queryFn: () => fromList(id) })
  const enter = async () => {
    await data(api.POST('/v1/teams/{team}/sessions', { params: { path: { team: id } }, body: { break_glass: true } }))
    await refreshTeam(client, id)
  }
  return (
    <Stack align="flex-start">
      {team.data && (
        <>
          <PageTitle>{team.data.name}</PageTitle>
          <Title order={1} lineClamp={3}>
            <Name>{team.data.name}</Name>
          </Title>
        </>
      )}
      <Fault error={error} />
      <Fault error={team.error} />
      <Group gap="sm">
        <Satisfy error={error} again={again} />
        {error.rule === 'max_age' && (
          <Button component={Link} to={`/sign-in?return_to=${encodeURIComponent(`/teams/${id}`)}`}>
            {t('team.signInAgain')}
          </Button>
        )}
        <Button variant="default" onClick={() => again()}>
          {t('common.tryAgain')}
        </Button>
        {team.data?.role === 'owner' && (
          <ConfirmButton
            size="sm"
            label={t('team.breakGlass')}
            title={t('team.breakGlassTitle')}
            text={t('team.breakGlassText')}
            confirm={t('team.breakGlass')}
            intent={`glass ${id}`}
            action={enter}
          />
        )}
      </Group>
      <Anchor component={Link} to="/">
        {t('team.yourTeams')}
      </Anchor>
    </Stack>
  )
}

// fromList finds a team among one's own: the list tells name and role whatever
// the team's policy says.
async function fromList(id: string) {
  for (let cursor: string | null = null; ; ) {
    const query: { limit: number; cursor?: string } = { limit: 100, ...(cursor === null ? {} : { cursor }) }
    const page = await data(api.GET('/v1/teams', { params: { query } }))
    const found = page.data.find((team) => team.id === id)
    if (found || page.next_cursor === null) return found ?? null
    cursor = page.next_cursor
  }
}

// Satisfy offers the proof that would answer a refusal here and now. Intent and
// typed are what to go on with after a proof at a provider.
export function Satisfy({ error, again, intent, typed }: Refusal & { intent?: string; typed?: string }) {
  const t = useT()
  const stepUp = useStepUp()
  const identities = useIdentities()
  const providers = useProviders()
  const ask = async (only?: string[]) => {
    if (await stepUp(intent, typed, only)) await again()
  }
  if (error.rule !== 'required_providers' && error.rule !== 'any_of') {
    return wantsFresh(error) && <Button onClick={() => void ask()}>{t('team.confirm')}</Button>
  }
  if (!identities.rows || !providers.data) return <Fault error={identities.error ?? providers.error} />
  const owned = new Set(identities.rows.map((identity) => identity.provider))
  const missing = (error.missing ?? []).filter((name) => providers.data.some((provider) => provider.name === name))
  return (
    <>
      {missing.map((name) =>
        owned.has(name) ? (
          <Button key={name} onClick={() => void ask([name])}>
            {t('stepUp.with', { provider: providerName(t, name) })}
          </Button>
        ) : (
          <Button key={name} variant="default" component={Link} to="/account">
            {t('team.linkFirst', { provider: providerName(t, name) })}
          </Button>
        ),
      )}
    </>
  )
}
