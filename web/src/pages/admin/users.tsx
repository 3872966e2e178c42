import { Badge, Button, Group, Stack, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { api, data } from '../../api/client'
import { isProblem } from '../../api/problem'
import { keys, usePages } from '../../api/queries'
import type { AdminUser, User } from '../../api/types'
import { providerName } from '../../auth/providers'
import { Section } from '../../components/section'
import { Listing, Name, Person, Time } from '../../components/show'
import { statusColor } from '../../components/status'
import { Table } from '../../components/table'
import { isAddress, shortAddress } from '../../wallet/types'
import { useT } from '../../i18n/language'
import { NoOperator } from './no-operator'

// filter is what the service can look up exactly: a wallet, or a verified
// e-mail address.
function filter(search: string): { wallet?: string; email?: string } {
  if (!search) return {}
  return isAddress(search) ? { wallet: search } : { email: search }
}

function Ways({ user }: { user: AdminUser }) {
  const t = useT()
  return (
    <Stack gap={0}>
      {user.identities.map((identity) => (
        <Name line key={identity.id}>
          {`${providerName(t, identity.provider)}: ${identity.wallet ? shortAddress(identity.wallet.address) : identity.label || identity.subject}`}
        </Name>
      ))}
    </Stack>
  )
}

export function Users({ me }: { me: User }) {
  const [typed, setTyped] = useState('')
  const [search, setSearch] = useState('')
  const list = usePages(keys.admin('users', search), (page) => data(api.GET('/v1/admin/users', { params: { query: { ...page, ...filter(search) } } })))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setSearch(typed.trim())
  }
  if (isProblem(list.error, 'operator_required')) return <NoOperator me={me} />
  return (
    <Section title="Users" hint="Newest first.">
      <form onSubmit={submit} role="search">
        <Group align="flex-end">
          <TextInput
            label="Find by verified e-mail or wallet address"
            flex="1 1 16rem"
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            autoCapitalize="none"
            spellCheck={false}
            maxLength={320}
          />
          <Button type="submit" variant="default">
            Find
          </Button>
        </Group>
      </form>
      <Listing list={list} empty={search ? 'Nobody has that verified address or wallet.' : 'Nobody has signed in yet.'}>
        {(users) => (
          <Table
            label="Users"
            rows={users}
            rowKey={(user) => user.id}
            columns={[
              { label: 'User', cell: (user) => <Person user={user} {...(user.id === me.id ? { note: 'you' } : {})} /> },
              { label: 'Ways in', cell: (user) => <Ways user={user} /> },
              {
                label: 'Status',
                cell: (user) => (
                  <Group gap={4}>
                    <Badge variant="light" color={statusColor(user.status)}>
                      {user.status}
                    </Badge>
                    {user.operator && <Badge variant="light">operator</Badge>}
                  </Group>
                ),
              },
              { label: 'Made', cell: (user) => <Time at={user.created_at} /> },
              { label: 'Id', cell: (user) => <code title={user.id}>…{user.id.slice(-12)}</code> },
            ]}
          />
        )}
      </Listing>
    </Section>
  )
}
