import { Group, NativeSelect, Stack, Text, TextInput, UnstyledButton } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { api, data } from '../../../api/client'
import { isProblem } from '../../../api/problem'
import { keys, useAll, usePages } from '../../../api/queries'
import type { Member, Role, Team } from '../../../api/types'
import { EndKeys } from '../../../components/end-keys'
import { useOptimistic } from '../../../components/optimistic'
import { Pages, useInAddress } from '../../../components/paged'
import { PreviewConfirm } from '../../../components/preview-confirm'
import { Section } from '../../../components/section'
import { Select, SelectAll, SelectionBar, useSelection } from '../../../components/selection'
import { Fault, Listing, Name, Person, personName, Time } from '../../../components/show'
import { typedFor } from '../../../components/step-up-context'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import { assignable, findMembers, mayActOn } from '../roles'
import { MemberDrawer } from './member-drawer'
import { RoleChoice } from './role-choice'
import '../../../i18n/en/later/team'

const perPage = 25
const roles: readonly Role[] = ['owner', 'admin', 'member']

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
  useAll(list)
  const [address, setAddress] = useInAddress({ search: '', role: '', page: '1' })
  const role = roles.find((known) => known === address.role)
  const found = findMembers(list.rows ?? [], address.search, role, (member) => personName(t, member.user))
  const last = Math.max(1, Math.ceil(found.length / perPage))
  const number = Math.min(last, Math.max(1, Math.trunc(Number(address.page)) || 1))
  const shown = found.slice((number - 1) * perPage, number * perPage)
  const goTo = (page: number) => setAddress({ ...address, page: String(page) })
  const mine = (member: Member) => member.user.id === me
  const selection = useSelection(
    shown.filter((member) => mayActOn(team.role, member.role) && !mine(member)),
    (member) => member.user.id,
  )
  const [detail, setDetail] = useState<string>()
  const changeRole = useOptimistic<Member, { user: string; role: Role; endKeys: boolean }>({
    list: keys.members(team.id),
    change: (members, { user, role }) => members.map((member) => (member.user.id === user ? { ...member, role } : member)),
    send: ({ user, role, endKeys }) =>
      data(api.PATCH('/v1/teams/{team}/members/{user}', { params: { path: { team: team.id, user } }, body: { role, ...(endKeys ? { end_keys: true } : {}) } })),
    refresh: [keys.team(team.id)],
  })
  const manages = team.role !== 'member'
  return (
    <Section title={t('team.members')}>
      <Group gap="xs" align="flex-end">
        <TextInput
          type="search"
          aria-label={t('team.search')}
          placeholder={t('team.search')}
          flex="1 1 12rem"
          maxLength={100}
          value={address.search}
          onChange={(event) => setAddress({ ...address, search: event.currentTarget.value, page: '1' })}
        />
        <NativeSelect
          aria-label={t('team.role')}
          w={150}
          value={role ?? ''}
          onChange={(event) => setAddress({ ...address, role: event.currentTarget.value, page: '1' })}
          data={[{ value: '', label: t('team.anyRole') }, ...roles.map((value) => ({ value, label: t(`common.${value}`) }))]}
        />
      </Group>
      <Fault error={changeRole.error} />
      <MemberDrawer team={team} member={list.rows?.find(({ user }) => user.id === detail)} onClose={() => setDetail(undefined)} />
      {manages && <SelectAll of={selection} />}
      <Listing list={{ ...list, rows: list.rows && shown, hasNextPage: false }} empty={t(list.rows?.length ? 'team.noMatch' : 'team.noMembers')}>
        {(members) => (
          <Table
            label={t('team.members')}
            compact
            rows={members}
            rowKey={(member) => member.user.id}
            rowMark={(member) => (selection.has(member) ? { 'data-picked': true } : {})}
            columns={[
              ...(manages
                ? [
                    {
                      label: t('list.select'),
                      action: true,
                      cell: (member: Member) =>
                        selection.rows.includes(member) && <Select of={selection} row={member} label={t('team.selectOf', { name: personName(t, member.user) })} />,
                    },
                  ]
                : []),
              {
                label: t('team.member'),
                cell: (member) => (
                  <UnstyledButton className="in-row" aria-label={t('team.detailsOf', { name: personName(t, member.user) })} onClick={() => setDetail(member.user.id)}>
                    <Person user={member.user} {...(mine(member) ? { note: t('team.you') } : {})} />
                  </UnstyledButton>
                ),
              },
              {
                label: t('team.role'),
                cell: (member) =>
                  mayActOn(team.role, member.role) ? (
                    <RoleChoice
                      team={team}
                      member={member}
                      self={mine(member)}
                      onChoose={(chosen, endKeys) => changeRole.mutateAsync({ user: member.user.id, role: chosen, endKeys })}
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
      <Pages
        list={{
          number,
          range: { from: (number - 1) * perPage + 1, to: (number - 1) * perPage + shown.length, total: found.length },
          previous: number > 1 ? () => goTo(number - 1) : undefined,
          next: number < last ? () => goTo(number + 1) : undefined,
        }}
      />
      {manages && (
        <SelectionBar of={selection}>
          <BulkRole team={team} members={selection.selected} onDone={selection.clear} />
          <BulkRemove team={team} members={selection.selected} onDone={selection.clear} />
        </SelectionBar>
      )}
    </Section>
  )
}

interface BulkProps {
  team: Team
  members: Member[]
  onDone: () => void
}

// Who names those that something would be done to.
function Who({ text, members }: { text: string; members: Member[] }) {
  const t = useT()
  return (
    <Stack gap="xs" mah="50vh" style={{ overflowY: 'auto' }}>
      <Text>{text}</Text>
      <ul>
        {members.map(({ user }) => (
          <li key={user.id}>
            <Name>{personName(t, user)}</Name>
          </li>
        ))}
      </ul>
    </Stack>
  )
}

// BulkRole makes the selected members admins or members. Owners are made one by one,
// for each can do everything then.
function BulkRole({ team, members, onDone }: BulkProps) {
  const t = useT()
  const client = useQueryClient()
  return assignable(team.role)
    .filter((role) => role !== 'owner')
    .map((role) => (
      <PreviewConfirm
        key={role}
        label={t('team.makeRole', { role: t(`common.${role}`) })}
        title={t('team.bulkRoleTitle')}
        color="cyan"
        size="md"
        preview={async () => members.filter((member) => member.role !== role)}
        confirm={(changed) => (changed.length > 0 ? t('team.bulkRoleConfirm', { count: changed.length }) : undefined)}
        action={async (changed) => {
          try {
            for (const { user } of changed) await data(api.PATCH('/v1/teams/{team}/members/{user}', { params: { path: { team: team.id, user: user.id } }, body: { role } }))
          } finally {
            await client.invalidateQueries({ queryKey: keys.team(team.id) })
          }
          onDone()
        }}
      >
        {(changed) => <Who text={t('team.bulkRoleText', { role: t(`common.${role}`) })} members={changed} />}
      </PreviewConfirm>
    ))
}

// BulkRemove removes the selected members. API keys that they created go on; those who
// want them to end remove their creators one by one.
function BulkRemove({ team, members, onDone }: BulkProps) {
  const t = useT()
  const client = useQueryClient()
  return (
    <PreviewConfirm
      label={t('team.removeSelected')}
      title={t('team.bulkRemoveTitle')}
      size="md"
      preview={async () => members}
      confirm={(removed) => (removed.length > 0 ? t('team.bulkRemoveConfirm', { count: removed.length }) : undefined)}
      action={async (removed) => {
        try {
          for (const { user } of removed) {
            try {
              await data(api.DELETE('/v1/teams/{team}/members/{user}', { params: { path: { team: team.id, user: user.id } } }))
            } catch (error) {
              // Removed already, by an attempt that failed midway or by someone else.
              if (!isProblem(error, 'not_found')) throw error
            }
          }
        } finally {
          await client.invalidateQueries({ queryKey: keys.team(team.id) })
        }
        onDone()
      }}
    >
      {(removed) => <Who text={t('team.bulkRemoveText')} members={removed} />}
    </PreviewConfirm>
  )
}

export function Remove({ team, member, me }: { team: Team; member: Member; me: string }) {
  const t = useT()
  const client = useQueryClient()
  const intent = `remove ${member.user.id}`
  // Chosen before a trip to a provider.
  const kept = useRef(typedFor(intent) === 'keys')
  const [endKeys, setEndKeys] = useState(kept.current)
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
        intent={intent}
        typed={endKeys ? 'keys' : ''}
        preview={async () => {
          setEndKeys(kept.current)
          kept.current = false
          const answer = await data(api.DELETE('/v1/teams/{team}/members/{user}', { params: { path, query: { dry_run: true } } }))
          return answer?.api_keys ?? []
        }}
        confirm={() => t(self ? 'team.leaveOf' : 'team.removeConfirm')}
        action={remove}
      >
        {(created) => (
          <>
            <div>{self ? t('team.leaveText') : t.rich('team.removeText', { name: <Name key="name">{name}</Name> })}</div>
            <EndKeys keys={created} own={self} checked={endKeys} onChange={setEndKeys} />
          </>
        )}
      </PreviewConfirm>
    </Group>
  )
}
