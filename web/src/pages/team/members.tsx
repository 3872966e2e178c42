import { Group, NativeSelect, Stack } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { api, data } from '../../api/client'
import { keys, usePages } from '../../api/queries'
import type { Member, Role, Team } from '../../api/types'
import { ConfirmButton } from '../../components/confirm'
import { Section } from '../../components/section'
import { Fault, Listing, Name, Person, personName, Time } from '../../components/show'
import { Table } from '../../components/table'
import { useT } from '../../i18n/language'
import { assignable, mayActOn } from './roles'

export function Members({ team, me }: { team: Team; me: string }) {
  const t = useT()
  const client = useQueryClient()
  const list = usePages(keys.members(team.id), (query) => data(api.GET('/v1/teams/{team}/members', { params: { path: { team: team.id }, query } })))
  const changeRole = useMutation({
    mutationFn: ({ user, role }: { user: string; role: Role }) =>
      data(api.PATCH('/v1/teams/{team}/members/{user}', { params: { path: { team: team.id, user } }, body: { role } })),
    onSettled: () => client.invalidateQueries({ queryKey: keys.team(team.id) }),
  })
  return (
    <Section title="Members">
      <Fault error={changeRole.error} />
      <Listing list={list} empty="No members.">
        {(members) => (
          <Table
            label="Members"
            rows={members}
            rowKey={(member) => member.user.id}
            columns={[
              { label: 'Member', cell: (member) => <Person user={member.user} {...(member.user.id === me ? { note: 'you' } : {})} /> },
              {
                label: 'Role',
                cell: (member) =>
                  mayActOn(team.role, member.role) ? (
                    <NativeSelect
                      w={120}
                      size="xs"
                      aria-label={`Role of ${personName(t, member.user)}`}
                      data={assignable(team.role)}
                      value={changeRole.isPending && changeRole.variables.user === member.user.id ? changeRole.variables.role : member.role}
                      disabled={changeRole.isPending}
                      onChange={(event) => changeRole.mutate({ user: member.user.id, role: event.currentTarget.value as Role })}
                    />
                  ) : (
                    member.role
                  ),
              },
              { label: 'Member since', cell: (member) => <Time at={member.created_at} /> },
              { label: 'Remove', action: true, cell: (member) => <Remove team={team} member={member} me={me} /> },
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
        label={self ? 'Leave' : 'Remove'}
        accessibleLabel={self ? 'Leave the team' : `Remove ${name}`}
        title={self ? 'Leave this team?' : 'Remove this member?'}
        text={
          <Stack gap="xs">
            {self ? (
              'Your sessions in this team end at once. To come back you need an invitation.'
            ) : (
              <span>
                <Name>{name}</Name> leaves the team, and their sessions in it end at once.
              </span>
            )}
          </Stack>
        }
        confirm={self ? 'Leave the team' : 'Remove member'}
        action={remove}
      />
    </Group>
  )
}
