import { Group } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { api, data } from '../../../api/client'
import { keys, usePages } from '../../../api/queries'
import type { Member, Role, Team } from '../../../api/types'
import { ConfirmButton } from '../../../components/confirm'
import { useOptimistic } from '../../../components/optimistic'
import { Section } from '../../../components/section'
import { Fault, Listing, Name, Person, personName, Time } from '../../../components/show'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import { mayActOn } from '../roles'
import { RoleChoice } from './role-choice'

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
  const changeRole = useOptimistic<Member, { user: string; role: Role }>({
    list: keys.members(team.id),
    change: (members, { user, role }) => members.map((member) => (member.user.id === user ? { ...member, role } : member)),
    send: ({ user, role }) => data(api.PATCH('/v1/teams/{team}/members/{user}', { params: { path: { team: team.id, user } }, body: { role } })),
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
                    <RoleChoice team={team} member={member} self={member.user.id === me} onChoose={(role) => changeRole.mutate({ user: member.user.id, role })} />
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
  const self = member.user.id === me
  if (!self && !mayActOn(team.role, member.role)) return null
  const remove = async () => {
    await data(api.DELETE('/v1/teams/{team}/members/{user}', { params: { path: { team: team.id, user: member.user.id } } }))
    if (!self) return void (await client.invalidateQueries({ queryKey: keys.team(team.id) }))
    // A new load: from now on this page would only be refused.
    location.assign('/')
  }
  const name = personName(t, member.user)
  return (
    <Group>
      <ConfirmButton
        label={t(self ? 'team.leave' : 'team.remove')}
        accessibleLabel={self ? t('team.leaveOf') : t('team.removeOf', { name })}
        title={t(self ? 'team.leaveTitle' : 'team.removeTitle')}
        text={self ? t('team.leaveText') : t.rich('team.removeText', { name: <Name key="name">{name}</Name> })}
        confirm={t(self ? 'team.leaveOf' : 'team.removeConfirm')}
        intent={`remove ${member.user.id}`}
        action={remove}
      />
    </Group>
  )
}
