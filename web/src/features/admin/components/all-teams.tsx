import { TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'
import { Pages, useInAddress, usePaged } from '../../../components/paged'
import { Section } from '../../../components/section'
import { Listing, Name, Time } from '../../../components/show'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import { TrailLink } from './links'
import '../../../i18n/en/later/operator'
import '../../../i18n/en/later/team'
import '../../../i18n/en/later/sessions'
import '../../../i18n/en/later/audit'

// AllTeams lists the teams of the deployment.
export function AllTeams() {
  const t = useT()
  const [address, setAddress] = useInAddress({ search: '' })
  const [search] = useDebouncedValue(address.search.trim().slice(0, 100), 250)
  const list = usePaged(keys.admin('teams', search), (page) => data(api.GET('/v1/admin/teams', { params: { query: { ...page, ...(search ? { search } : {}) } } })), { limit: 25 })
  return (
    <Section title={t('operator.teams')} hint={t('operator.newestFirst')}>
      <TextInput
        type="search"
        aria-label={t('operator.findTeam')}
        placeholder={t('operator.findTeam')}
        maxLength={100}
        maw={360}
        value={address.search}
        onChange={(event) => setAddress({ search: event.currentTarget.value })}
      />
      <Listing list={list} empty={t(search ? 'operator.findNoTeam' : 'operator.noTeamsYet')}>
        {(teams) => (
          <Table
            label={t('operator.teams')}
            compact
            rows={teams}
            rowKey={({ id }) => id}
            columns={[
              { label: t('operator.team'), cell: ({ name }) => <Name line>{name}</Name> },
              { label: t('team.members'), cell: ({ members }) => t('operator.memberCount', { count: members }) },
              { label: t('sessions.title'), cell: ({ sessions }) => t('sessions.count', { count: sessions }) },
              { label: t('operator.made'), cell: ({ created_at }) => <Time at={created_at} /> },
              { label: t('operator.id'), cell: ({ id }) => <code title={id}>…{id.slice(-12)}</code> },
              {
                label: t('audit.title'),
                cell: ({ id, name }) => (
                  <TrailLink team={id} label={t('operator.trailOf', { team: name })}>
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
