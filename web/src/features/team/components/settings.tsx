import { Button, Group, Select, Stack, Text, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useChange } from '../../../api/change'
import { api, data } from '../../../api/client'
import { keys, refreshTeam, useAll } from '../../../api/queries'
import type { Member, Team, TeamAPIKey } from '../../../api/types'
import { withStepUp } from '../../../auth/step-up'
import { ConfirmButton } from '../../../components/confirm'
import { EndKeys } from '../../../components/end-keys'
import { PreviewConfirm } from '../../../components/preview-confirm'
import { Section } from '../../../components/section'
import { Fault, Name, personName } from '../../../components/show'
import { typedFor, useStepUp } from '../../../components/step-up-context'
import { useT } from '../../../i18n/language'
import { Remove, useMembers } from './members'
import { useKeysOf } from './role-choice'
import '../../../i18n/en/later/team'

// Settings renames and deletes a team, and lets a member leave it.
export function Settings({ team, me }: { team: Team; me: string }) {
  const t = useT()
  const members = useMembers(team.id)
  useAll(members)
  const self = members.rows?.find(({ user }) => user.id === me)
  return (
    <>
      {team.role !== 'member' && (
        <Section title={t('team.settings')} hint={t('team.settingsHint')}>
          <Rename team={team} />
        </Section>
      )}
      <Section title={t('team.dangerZone')}>
        <Group justify="space-between">
          <Text size="sm">{t('team.leaveText')}</Text>
          {self && <Remove team={team} member={self} me={me} />}
        </Group>
        {team.role === 'owner' && (
          <>
            <Transfer team={team} me={me} members={members.rows} />
            <Group justify="space-between">
              <Text size="sm">{t('team.deleteText')}</Text>
              <Delete team={team} />
            </Group>
          </>
        )}
      </Section>
    </>
  )
}

function Rename({ team }: { team: Team }) {
  const t = useT()
  const client = useQueryClient()
  const stepUp = useStepUp()
  const [typed, setTyped] = useState(team.name)
  const name = typed.trim()
  const rename = useChange({
    mutationFn: () =>
      withStepUp(
        () => data(api.PATCH('/v1/teams/{team}', { params: { path: { team: team.id } }, body: { name } })),
        () => stepUp(),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.teams }),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    rename.mutate()
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Group align="flex-end">
          <TextInput
            label={t('team.name')}
            flex="1 1 14rem"
            maxLength={100}
            dir="auto"
            autoComplete="off"
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <Button type="submit" loading={rename.isPending} disabled={name === '' || name === team.name}>
            {t('common.save')}
          </Button>
        </Group>
        <Fault error={rename.error} />
      </Stack>
    </form>
  )
}

// Transfer makes another member the owner and this one an admin. Whom the person chose,
// and whether their keys end, is kept on a trip to a provider.
function Transfer({ team, me, members }: { team: Team; me: string; members: Member[] | undefined }) {
  const t = useT()
  const client = useQueryClient()
  const keysOf = useKeysOf(team)
  const intent = `transfer ${team.id}`
  const [kept] = useState(() => typedFor(intent).split(' '))
  const [heir, setHeir] = useState<string | null>(kept[0] || null)
  const [endKeys, setEndKeys] = useState(kept[1] === 'keys')
  const others = (members ?? []).filter(({ user }) => user.id !== me)
  const chosen = others.find(({ user }) => user.id === heir)
  const transfer = async (created: readonly TeamAPIKey[]) => {
    if (!chosen) return
    const body = { user_id: chosen.user.id, ...(endKeys && created.length > 0 ? { end_keys: true } : {}) }
    await data(api.POST('/v1/teams/{team}/transfer', { params: { path: { team: team.id } }, body }))
    await Promise.all([client.invalidateQueries({ queryKey: keys.teams }), refreshTeam(client, team.id)])
  }
  return (
    <Group justify="space-between" align="flex-end">
      <Stack gap={4} flex="1 1 14rem">
        <Text size="sm">{t('team.transferText')}</Text>
        <Select
          aria-label={t('team.transferTo')}
          placeholder={t(others.length > 0 ? 'team.transferChoose' : 'team.transferNobody')}
          searchable
          disabled={others.length === 0}
          maw={360}
          value={heir}
          onChange={setHeir}
          data={others.map(({ user }) => ({ value: user.id, label: personName(t, user) }))}
        />
      </Stack>
      <PreviewConfirm
        color="red"
        variant="outline"
        size="md"
        disabled={!chosen}
        label={t('team.transfer')}
        title={t('team.transferTitle')}
        intent={intent}
        typed={`${heir ?? ''} ${endKeys ? 'keys' : ''}`}
        preview={() => keysOf(me)}
        confirm={() => chosen && t('team.transfer')}
        action={transfer}
      >
        {(created) => (
          <>
            {chosen && <div>{t.rich('team.transferConfirmText', { name: <Name key="name">{personName(t, chosen.user)}</Name>, team: <Name key="team">{team.name}</Name> })}</div>}
            <EndKeys keys={created} own checked={endKeys} onChange={setEndKeys} />
          </>
        )}
      </PreviewConfirm>
    </Group>
  )
}

function Delete({ team }: { team: Team }) {
  const t = useT()
  const remove = async () => {
    await data(api.DELETE('/v1/teams/{team}', { params: { path: { team: team.id } } }))
    // A new load: from now on this page would only be refused.
    location.assign('/')
  }
  return (
    <ConfirmButton
      color="red"
      variant="outline"
      label={t('team.delete')}
      title={t('team.deleteTitle')}
      text={t.rich('team.deleteConfirmText', { name: <Name key="name">{team.name}</Name> })}
      confirm={t('team.delete')}
      intent={`delete team ${team.id}`}
      action={remove}
    />
  )
}
