import { Anchor } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from 'react-router'
import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'
import { Pages, usePaged } from '../../../components/paged'
import { Section } from '../../../components/section'
import { Listing, Name, Time } from '../../../components/show'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import { TrailLink } from './links'
import '../../../i18n/en/later/team'
import '../../../i18n/en/later/audit'
import '../../../i18n/en/later/operator'

// ownTeams are the teams that the operators are members of themselves: the service
// shows them only these as teams.
async function ownTeams(): Promise<Set<string>> {
  const out = new Set<string>()
  let cursor: string | null = null
  do {
    const page: { data: { id: string }[]; next_cursor: string | null } = await data(api.GET('/v1/teams', { params: { query: { limit: 100, ...(cursor ? { cursor } : {}) } } }))
    for (const team of page.data) out.add(team.id)
    cursor = page.next_cursor
  } while (cursor)
  return out
}

// Teams lists where a user is a member.
export function Teams({ user }: { user: string }) {
  const t = useT()
  const list = usePaged(keys.admin('user teams', user), (page) => data(api.GET('/v1/admin/users/{user}/teams', { params: { path: { user }, query: page } })), { limit: 25 })
  const own = useQuery({ queryKey: keys.admin('own teams'), queryFn: ownTeams, enabled: Boolean(list.rows?.length) })
  return (
    <Section title={t('operator.teams')} {...(list.rows?.some(({ team }) => own.data?.has(team.id)) ? { hint: t('operator.teamsHint') } : {})}>
      <Listing list={list} empty={t('operator.noTeams')}>
        {(places) => (
          <Table
            label={t('operator.teams')}
            rows={places}
            rowKey={({ team }) => team.id}
            columns={[
              {
                label: t('operator.team'),
                cell: ({ team }) =>
                  own.data?.has(team.id) ? (
                    <Anchor component={Link} to={`/teams/${team.id}`} size="sm">
                      <Name line>{team.name}</Name>
                    </Anchor>
                  ) : (
                    <Name line>{team.name}</Name>
                  ),
              },
              { label: t('team.role'), cell: ({ role }) => t(`common.${role}`) },
              { label: t('team.since'), cell: ({ created_at }) => <Time at={created_at} /> },
              { label: t('operator.id'), cell: ({ team }) => <code title={team.id}>…{team.id.slice(-12)}</code> },
              {
                label: t('audit.title'),
                cell: ({ team }) => (
                  <TrailLink team={team.id} label={t('operator.trailOf', { team: team.name })}>
                    {t('operator.trail')}
                  </TrailLink>
                ),
              },
            ]}
          />
        )}
      </Listing>
      <Pages list={list} />
    </Section>
  )
}
