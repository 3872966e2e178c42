import { Select, Stack } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'
import type { Member, Role, Team, TeamAPIKey } from '../../../api/types'
import { Question } from '../../../components/confirm'
import { EndKeys } from '../../../components/end-keys'
import { Name, personName } from '../../../components/show'
import { useT } from '../../../i18n/language'
import { assignable, lowers, roleQuestion } from '../roles'
import '../../../i18n/en/later/team'

interface Props {
  team: Team
  member: Member
  self: boolean
  onChoose: (role: Role, endKeys: boolean) => Promise<unknown>
}

// RoleChoice gives a member another role. It is a list that opens and not a select
// of the browser: there arrow keys choose, and what is only passed through is done.
export function RoleChoice({ team, member, self, onChoose }: Props) {
  const t = useT()
  const keysOf = useKeysOf(team)
  // Kept while the question fades out.
  const [wish, setWish] = useState<{ role: Role; asked: boolean; created: TeamAPIKey[] }>({ role: member.role, asked: false, created: [] })
  const [endKeys, setEndKeys] = useState(false)
  const name = personName(t, member.user)
  const role = t(`common.${wish.role}`)
  const kind = roleQuestion(member.role, wish.role, self) ?? 'Lowered'
  const choose = async (chosen: Role) => {
    setEndKeys(false)
    const created = lowers(member.role, chosen) ? await keysOf(member.user.id) : []
    if (created.length > 0 || roleQuestion(member.role, chosen, self)) setWish({ role: chosen, asked: true, created })
    else await onChoose(chosen, false)
  }
  return (
    <>
      <Select
        w={120}
        size="xs"
        aria-label={t('team.roleOf', { name })}
        data={assignable(team.role).map((role) => ({ value: role, label: t(`common.${role}`) }))}
        value={member.role}
        allowDeselect={false}
        withScrollArea={false}
        onChange={(chosen) => {
          // How it fails is said above the list.
          if (chosen !== null) choose(chosen).catch(() => undefined)
        }}
      />
      <Question
        opened={wish.asked}
        onClose={() => setWish({ ...wish, asked: false })}
        title={t(`team.role${kind}Title`)}
        text={
          <Stack gap="sm">
            <div>{t.rich(`team.role${kind}Text`, { name: <Name key="name">{name}</Name>, role })}</div>
            <EndKeys keys={wish.created} own={self} checked={endKeys} onChange={setEndKeys} />
          </Stack>
        }
        confirm={t(`team.role${kind}Confirm`)}
        action={() => onChoose(wish.role, endKeys)}
      />
    </>
  )
}

// useKeysOf lists the working keys of the team that a member created; none where they
// cannot be read, for they go on then.
export function useKeysOf(team: Team): (user: string) => Promise<TeamAPIKey[]> {
  const client = useQueryClient()
  return async (user) => {
    const path = { params: { path: { team: team.id }, query: { limit: 100 } } }
    const list = client.fetchQuery({ queryKey: [...keys.teamKeys(team.id), 'all'], queryFn: async () => (await data(api.GET('/v1/teams/{team}/api-keys', path))).data })
    const all = await list.catch(() => [])
    return all.filter((key) => key.created_by === user && key.status === 'active')
  }
}
