import { Group } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, data } from '../../../api/client'
import { keys, usePages } from '../../../api/queries'
import type { Member, Role, Team } from '../../../api/types'
import { EndKeys } from '../../../components/end-keys'
import { useOptimistic } from '../../../components/optimistic'
import { PreviewConfirm } from '../../../components/preview-confirm'
import { Section } from '../../../components/section'
import { Fault, Listing, Name, Person, personName, Time } from '../../../components/show'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import { mayActOn } from '../roles'
import { RoleChoice } from './role-choice'
import '../../../i18n/en/later/team'

export function useMembers(team: string) {
  return usePages(keys.members(team), (query) => data(api.GET('/v1/teams/{team}/members', { params: { path: { team }, query: { ...query, limit: 100 } } })))
}

// useMemberNames says who an id is; of who has left there is the id's end.
export function useMemberNames(team: string): (id: string) => string {
  const t = useT()
  const names = new Map(useMembers(team).rows?.map(({ user }) => [user.id, personName(t, user)]))
  return (id) => names.get(id) ?? t('common.person', { id: id.slice(-6) })
}

export function Members({ team, me }: { team: Team; me: string }) {
  const t = useT()
  const list = useMembers(team.id)
  const changeRole = useOptimistic<Member, { user: string; role: Role; endKeys: boolean }>({
    list: keys.members(team.id),
    change: (members, { user, role }) => members.map((member) => (member.user.id === user ? { ...member, role } : member)),
    send: ({ user, role, endKeys }) =>
      data(api.PATCH('/v1/teams/{team}/members/{user}', { params: { path: { team: team.id, user } }, body: { role, ...(endKeys ? { end_keys: true } : {}) } })),
    refresh: [keys.team(team.id)],
  })
  return (
    <Section title={t('team.members')}>
      <Fault error={changeRole.error} />
      <Listing list={list} empty={t('team.noMembers')}>
        {(members) => (
          <Table
            label={t('team.members')}
            rows={members}
            rowKey={(member) => member.user.id}
            columns={[
              { label: t('team.member'), cell: (member) => <Person user={member.user} {...(member.user.id === me ? { note: t('team.you') } : {})} /> },
              {
                label: t('team.role'),
                cell: (member) =>
                  mayActOn(team.role, member.role) ? (
                    <RoleChoice
                      team={team}
                      member={member}
                      self={member.user.id === me}
                      onChoose={(role, endKeys) => changeRole.mutateAsync({ user: member.user.id, role, endKeys })}
                    />
                  ) : (
                    t(`common.${member.role}`)
                  ),
              },
              { label: t('team.since'), cell: (member) => <Time at={member.created_at} /> },
              { label: t('team.remove'), action: true, cell: (member) => <Remove team={team} member={member} me={me} /> },
            ]}
          />
        )}
      </Listing>
    </Section>
  )
}

function Remove({ team, member, me }: { team: Team; member: Member; me: string }) {
  const t = useT()
  const client = useQueryClient()
  const [endKeys, setEndKeys] = useState(false)
  const self = member.user.id === me
  if (!self && !mayActOn(team.role, member.role)) return null
  const path = { team: team.id, user: member.user.id }
  const remove = async () => {
    await data(api.DELETE('/v1/teams/{team}/members/{user}', { params: { path, query: endKeys ? { end_keys: true } : {} } }))
    if (!self) return void (await client.invalidateQueries({ queryKey: keys.team(team.id) }))
    // A new load: from now on this page would only be refused.
    location.assign('/')
  }
  const name = personName(t, member.user)
  return (
    <Group>
      <PreviewConfirm
        label={t(self ? 'team.leave' : 'team.remove')}
        accessibleLabel={self ? t('team.leaveOf') : t('team.removeOf', { name })}
        title={t(self ? 'team.leaveTitle' : 'team.removeTitle')}
        size="md"
        intent={`remove ${member.user.id}`}
        preview={async () => {
          setEndKeys(false)
          const answer = await data(api.DELETE('/v1/teams/{team}/members/{user}', { params: { path, query: { dry_run: true } } }))
          return answer?.api_keys ?? []
        }}
        confirm={() => t(self ? 'team.leaveOf' : 'team.removeConfirm')}
        action={remove}
      >
        {(created) => (
          <>
            <div>{self ? t('team.leaveText') : t.rich('team.removeText', { name: <Name key="name">{name}</Name> })}</div>
            <EndKeys keys={created} checked={endKeys} onChange={setEndKeys} />
          </>
        )}
      </PreviewConfirm>
    </Group>
  )
}
