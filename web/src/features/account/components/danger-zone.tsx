import { Button, Group, List, NativeSelect, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { navigationPending } from '../../../api/change'
import { api, data } from '../../../api/client'
import type { Page } from '../../../api/queries'
import type { Member, Team } from '../../../api/types'
import { PreviewConfirm } from '../../../components/preview-confirm'
import { Section } from '../../../components/section'
import { Name, personName } from '../../../components/show'
import { typedFor } from '../../../components/step-up-context'
import { useT } from '../../../i18n/language'
import '../../../i18n/en/later/account'

// ExportLink saves everything that is kept about the signed-in user.
export function ExportLink() {
  const t = useT()
  return (
    <Button component="a" href="/v1/me/export" download variant="default" size="xs">
      {t('leaving.export')}
    </Button>
  )
}

// DangerZone lets people take their data with them, and leave.
export function DangerZone({ me }: { me: string }) {
  const t = useT()
  return (
    <Section title={t('leaving.title')}>
      <Group justify="space-between">
        <Text size="sm" flex="1 1 16rem">
          {t('leaving.exportText')}
        </Text>
        <ExportLink />
      </Group>
      <Group justify="space-between">
        <Text size="sm" flex="1 1 16rem">
          {t('leaving.deleteText')}
        </Text>
        <DeleteAccount me={me} />
      </Group>
    </Section>
  )
}

// What ends with an account, and the teams that it alone owns.
interface Ends {
  devices: number
  apps: number
  teams: number
  alone: { team: Team; heirs: Member[] }[]
}

async function whole<T>(page: (cursor: { cursor?: string }) => Promise<Page<T>>): Promise<T[]> {
  const rows: T[] = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const read: Page<T> = await page(cursor ? { cursor } : {})
    rows.push(...read.data)
    cursor = read.next_cursor
  }
  return rows
}

async function whatEnds(me: string): Promise<Ends> {
  const [devices, apps, teams] = await Promise.all([
    whole((query) => data(api.GET('/v1/me/sessions', { params: { query: { ...query, limit: 100 } } }))),
    whole((query) => data(api.GET('/v1/me/grants', { params: { query: { ...query, limit: 100 } } }))),
    whole((query) => data(api.GET('/v1/teams', { params: { query: { ...query, limit: 100 } } }))),
  ])
  const alone: Ends['alone'] = []
  for (const team of teams.filter(({ role }) => role === 'owner')) {
    const others = (await whole((query) => data(api.GET('/v1/teams/{team}/members', { params: { path: { team: team.id }, query: { ...query, limit: 100 } } })))).filter(
      ({ user }) => user.id !== me,
    )
    if (!others.some(({ role }) => role === 'owner')) alone.push({ team, heirs: others })
  }
  return { devices: devices.length, apps: apps.length, teams: teams.length, alone }
}

const dropped = 'delete'

// isolated is what Name is where there can be no element.
const isolated = (name: string) => `\u2068${name}\u2069`

const intent = 'delete account'

// keptFates is what was chosen for each team before a trip to a provider.
function keptFates(): Record<string, string> {
  try {
    const kept: unknown = JSON.parse(typedFor(intent) || '{}')
    return typeof kept === 'object' && kept !== null ? (kept as Record<string, string>) : {}
  } catch {
    return {}
  }
}

function DeleteAccount({ me }: { me: string }) {
  const t = useT()
  const [fates, setFates] = useState(keptFates)
  const leave = async (ends: Ends) => {
    const teams = Object.fromEntries(ends.alone.map(({ team }) => [team.id, fates[team.id] === dropped ? { delete: true as const } : { transfer_to: fates[team.id]! }]))
    const { deletes_at } = await data(api.DELETE('/v1/me', { body: { teams } }))
    // A new load, so that nothing of this person is left in the page's memory.
    location.assign(`/account/deleted?until=${encodeURIComponent(deletes_at)}`)
    return navigationPending()
  }
  return (
    <PreviewConfirm
      color="red"
      variant="outline"
      label={t('leaving.delete')}
      title={t('leaving.deleteTitle')}
      preview={() => whatEnds(me)}
      confirm={(ends) => (ends.alone.every(({ team }) => fates[team.id]) ? t('leaving.delete') : undefined)}
      intent={intent}
      typed={JSON.stringify(fates)}
      action={leave}
    >
      {(ends) => (
        <>
          <Text size="sm">{t('leaving.grace')}</Text>
          <List size="sm">
            <List.Item>{t('leaving.endsDevices', { count: ends.devices })}</List.Item>
            {ends.apps > 0 && <List.Item>{t('leaving.endsApps', { count: ends.apps })}</List.Item>}
            {ends.teams > 0 && <List.Item>{t('leaving.endsTeams', { count: ends.teams })}</List.Item>}
            <List.Item>{t('leaving.endsOther')}</List.Item>
          </List>
          {ends.alone.length > 0 && (
            <Stack gap="xs">
              <Text size="sm" fw={500}>
                {t('leaving.alone', { count: ends.alone.length })}
              </Text>
              {ends.alone.map(({ team, heirs }) => (
                <NativeSelect
                  key={team.id}
                  label={<Name>{team.name}</Name>}
                  value={fates[team.id] ?? ''}
                  onChange={(event) => setFates({ ...fates, [team.id]: event.currentTarget.value })}
                  data={[
                    { value: '', label: t('leaving.choose') },
                    ...heirs.map(({ user }) => ({ value: user.id, label: t('leaving.transferTo', { name: isolated(personName(t, user)) }) })),
                    { value: dropped, label: t('leaving.deleteTeam') },
                  ]}
                />
              ))}
              <Text size="sm" className="muted">
                {t('leaving.final')}
              </Text>
            </Stack>
          )}
        </>
      )}
    </PreviewConfirm>
  )
}
