import { Badge, Button, Group, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useNavigate } from 'react-router'
import { api, data } from '../../api/client'
import { keys } from '../../api/queries'
import type { AdminUser, User } from '../../api/types'
import { Pages, usePaged } from '../../components/paged'
import { Section } from '../../components/section'
import { Listing, Name, Time } from '../../components/show'
import { statusColor } from '../../components/status'
import { Table } from '../../components/table'
import { useT } from '../../i18n/language'
import { wayName } from '../account/ways'
import { UserLink, userPath } from './links'
import { readSearch } from './search'

export function UserState({ user }: { user: AdminUser }) {
  const t = useT()
  return (
    <Group gap={4}>
      <Badge variant="light" color={statusColor(user.status)}>
        {t(`operator.${user.status}`)}
      </Badge>
      {user.operator && <Badge variant="light">{t('operator.isOperator')}</Badge>}
    </Group>
  )
}

export function Users({ me }: { me: User }) {
  const t = useT()
  const navigate = useNavigate()
  const [typed, setTyped] = useState('')
  const [wrong, setWrong] = useState(false)
  const [filter, setFilter] = useState<{ wallet?: string; email?: string }>({})
  const list = usePaged(keys.admin('users', JSON.stringify(filter)), (page) => data(api.GET('/v1/admin/users', { params: { query: { ...page, ...filter } } })), { limit: 25 })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const search = readSearch(typed)
    setWrong(typed.trim() !== '' && !search)
    if (search && 'id' in search) void navigate(userPath(search.id))
    else if (search || !typed.trim()) setFilter(search ?? {})
  }
  return (
    <Section title={t('operator.users')} hint={t('operator.newestFirst')}>
      <form onSubmit={submit} role="search">
        <Group align="flex-start">
          <TextInput
            label={t('operator.find')}
            description={t('operator.findHint')}
            flex="1 1 16rem"
            value={typed}
            error={wrong && t('operator.findWrong')}
            onChange={(event) => {
              setWrong(false)
              setTyped(event.currentTarget.value)
            }}
            autoCapitalize="none"
            spellCheck={false}
            maxLength={320}
          />
          <Button type="submit" variant="default" mt={44}>
            {t('operator.findSubmit')}
          </Button>
        </Group>
      </form>
      <Listing list={list} empty={t(Object.keys(filter).length > 0 ? 'operator.findNone' : 'operator.noUsers')}>
        {(users) => (
          <Table
            label={t('operator.users')}
            rows={users}
            rowKey={(user) => user.id}
            columns={[
              {
                label: t('operator.user'),
                cell: (user) => (
                  <>
                    <UserLink user={user} />
                    {user.id === me.id && <span className="muted"> ({t('operator.you')})</span>}
                  </>
                ),
              },
              {
                label: t('operator.ways'),
                cell: (user) => (
                  <Stack gap={0}>
                    {user.identities.map((identity) => (
                      <Name line key={identity.id}>
                        {wayName(t, identity)}
                      </Name>
                    ))}
                  </Stack>
                ),
              },
              { label: t('operator.state'), cell: (user) => <UserState user={user} /> },
              { label: t('operator.made'), cell: (user) => <Time at={user.created_at} /> },
              { label: t('operator.id'), cell: (user) => <code title={user.id}>…{user.id.slice(-12)}</code> },
            ]}
          />
        )}
      </Listing>
      <Pages list={list} />
    </Section>
  )
}
