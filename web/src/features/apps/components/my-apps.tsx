import { Avatar, Group, Stack, Text } from '@mantine/core'
import { api, data } from '../../../api/client'
import { keys, usePages } from '../../../api/queries'
import type { components } from '../../../api/schema.gen'
import { ConfirmButton } from '../../../components/confirm'
import { useOptimistic } from '../../../components/optimistic'
import { Section } from '../../../components/section'
import { Fault, Listing, Name, Time } from '../../../components/show'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import '../../../i18n/en/later/apps'
import { scopesWords } from '../scopes'

type Grant = components['schemas']['Grant']

// MyApps are the applications that the person allowed to access the account.
export function MyApps() {
  const t = useT()
  const list = usePages(keys.grants, (query) => data(api.GET('/v1/me/grants', { params: { query } })))
  const remove = useOptimistic<Grant, string>({
    list: keys.grants,
    change: (grants, id) => grants.filter((grant) => grant.id !== id),
    send: (grant) => data(api.DELETE('/v1/me/grants/{grant}', { params: { path: { grant } } })),
  })
  return (
    <Section title={t('apps.title')} hint={t('apps.hint')}>
      <Fault error={remove.error} />
      <Listing list={list} empty={t('apps.none')}>
        {(grants) => (
          <Table
            label={t('apps.table')}
            rows={grants}
            rowKey={(grant) => grant.id}
            columns={[
              { label: t('apps.app'), cell: (grant) => <AppName client={grant.client} /> },
              { label: t('apps.may'), cell: (grant) => <Text size="sm">{scopesWords(t, grant.scopes).join(', ')}</Text> },
              { label: t('apps.since'), cell: (grant) => <Time at={grant.created_at} /> },
              { label: t('apps.used'), cell: (grant) => (grant.last_used_at ? <Time at={grant.last_used_at} /> : t('apps.never')) },
              {
                label: t('apps.remove'),
                action: true,
                cell: (grant) => (
                  <ConfirmButton
                    label={t('apps.remove')}
                    accessibleLabel={t('apps.removeOf', { application: grant.client.name })}
                    title={t('apps.removeTitle')}
                    text={t('apps.removeText', { application: grant.client.name })}
                    confirm={t('apps.remove')}
                    action={() => remove.mutateAsync(grant.id)}
                  />
                ),
              },
            ]}
          />
        )}
      </Listing>
    </Section>
  )
}

// AppName is a name that the application chose. One that describes itself is known by
// its address alone.
function AppName({ client }: { client: Grant['client'] }) {
  const host = client.document && URL.canParse(client.client_id) ? new URL(client.client_id).host : undefined
  return (
    <Group gap="xs" wrap="nowrap">
      {client.logo_uri && !client.document && <Avatar src={client.logo_uri} size="sm" alt="" imageProps={{ referrerPolicy: 'no-referrer' }} />}
      <Stack gap={0} miw={0}>
        <Name line>{client.name}</Name>
        {host && (
          <Text size="sm" className="muted">
            {host}
          </Text>
        )}
      </Stack>
    </Group>
  )
}
