import { Badge, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useLocation, useNavigate } from 'react-router'
import { api, data } from '../../../api/client'
import { keys, useProviders } from '../../../api/queries'
import type { AdminUser, User } from '../../../api/types'
import { Pages, usePaged } from '../../../components/paged'
import { Section } from '../../../components/section'
import { Listing, Name, Time } from '../../../components/show'
import { statusColor } from '../../../components/status'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import { identityName } from '../../account/methods'
import { isASCII, readSearch, type Search } from '../search'
import { UserLink, userPath } from './links'
import '../../../i18n/en/later/operator'

export function UserState({ user }: { user: AdminUser }) {
  const t = useT()
  return (
    <Group gap={4}>
      <Badge variant="light" color={statusColor(user.status)} miw="max-content">
        {t(`operator.${user.status}`)}
      </Badge>
      {user.operator && <Badge variant="light">{t('operator.isOperator')}</Badge>}
    </Group>
  )
}

type Filter = { wallet?: string; email?: string; ens_name?: string; search?: string }

function wrongly(search: Search | undefined, typed: string, names: boolean) {
  if (!search) return typed ? ('operator.findWrong' as const) : undefined
  if (!('ens_name' in search)) return undefined
  if (!names) return 'operator.findNoNames' as const
  return isASCII(search.ens_name) ? undefined : ('operator.findASCII' as const)
}

function none(filter: Filter) {
  if (filter.ens_name) return 'operator.findNoneName' as const
  return Object.keys(filter).length > 0 ? ('operator.findNone' as const) : ('operator.noUsers' as const)
}

export function Users({ me }: { me: User }) {
  const t = useT()
  const navigate = useNavigate()
  const [wrong, setWrong] = useState<'operator.findWrong' | 'operator.findNoNames' | 'operator.findASCII'>()
  // Kept with the entry of the browser's history, so that going back finds it
  // again; not in the address, which is shared and logged.
  const { state, key } = useLocation() as { state: { find?: Filter } | null; key: string }
  const filter = state?.find ?? {}
  const [typed, setTyped] = useState(Object.values(filter)[0] ?? '')
  const [at, setAt] = useState(key)
  if (at !== key) {
    setAt(key)
    setTyped(Object.values(filter)[0] ?? '')
  }
  const providers = useProviders()
  const names = Boolean(providers.data?.some((provider) => provider.ens_names))
  const maybe = names || providers.isPending || providers.isPlaceholderData
  const list = usePaged(keys.admin('users', JSON.stringify(filter)), (page) => data(api.GET('/v1/admin/users', { params: { query: { ...page, ...filter } } })), { limit: 25 })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const search = readSearch(typed)
    const no = wrongly(search, typed.trim(), maybe)
    setWrong(no)
    if (no) return
    if (search && 'id' in search) return void navigate(userPath(search.id))
    // The same again is asked again.
    if (JSON.stringify(search ?? {}) === JSON.stringify(filter)) return void list.refetch()
    void navigate('/admin/users', { state: search ? { find: search } : null })
  }
  return (
    <Section title={t('operator.users')} hint={t('operator.newestFirst')}>
      {/* biome-ignore lint/a11y/useSemanticElements: a form can be the landmark itself */}
      <form onSubmit={submit} role="search">
        <Group align="flex-start">
          <TextInput
            label={t(names ? 'operator.findNames' : 'operator.find')}
            description={t('operator.findHint')}
            flex="1 1 16rem"
            value={typed}
            error={wrong && t(wrong)}
            onChange={(event) => {
              setWrong(undefined)
              setTyped(event.currentTarget.value)
            }}
            autoCapitalize="none"
            spellCheck={false}
            maxLength={320}
          />
          <Button type="submit" variant="default" mt={44} loading={list.isFetching && list.rows !== undefined && list.isPlaceholderData}>
            {t('operator.findSubmit')}
          </Button>
        </Group>
      </form>
      <Listing list={list} empty={t(none(filter))} purpose={filter.ens_name ? 'name' : undefined}>
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
                    {user.primary_email && user.display_name.trim() && (
                      <Text size="xs" className="muted" component="div">
                        <Name line>{user.primary_email}</Name>
                      </Text>
                    )}
                  </>
                ),
              },
              {
                label: t('operator.ways'),
                cell: (user) => (
                  <Stack gap={0}>
                    {user.identities.map((identity) => (
                      <Name line key={identity.id}>
                        {identityName(t, identity)}
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
