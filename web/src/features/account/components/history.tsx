import { Stack, Text } from '@mantine/core'
import { api, data } from '../../../api/client'
import { keys, usePages } from '../../../api/queries'
import { Section } from '../../../components/section'
import { Listing, Name, Time } from '../../../components/show'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import { what } from '../history-words'
import '../../../i18n/en/later/history'

// History shows what happened to the account.
export function History() {
  const t = useT()
  const list = usePages(keys.history, (query) => data(api.GET('/v1/me/history', { params: { query: { ...query, limit: 10 } } })))
  return (
    <Section title={t('history.title')} hint={t('history.hint')}>
      <Listing list={list} empty={t('history.none')}>
        {(events) => (
          <Table
            label={t('history.table')}
            rows={events}
            rowKey={(event) => event.id}
            columns={[
              { label: t('history.what'), cell: (event) => what(t, event) },
              { label: t('history.when'), cell: (event) => <Time at={event.at} /> },
              {
                label: t('history.where'),
                cell: (event) => (
                  <Stack gap={0}>
                    {event.device && <Name line>{event.device}</Name>}
                    <Text size="xs" className="muted" component="div">
                      {event.by === 'other' && t('history.byOther')}
                      {event.by === 'service' && t('history.byService')}
                      {event.ip && <Name line>{event.ip}</Name>}
                    </Text>
                  </Stack>
                ),
              },
            ]}
          />
        )}
      </Listing>
    </Section>
  )
}
