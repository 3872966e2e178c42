import { Badge, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { api, data } from '../../../api/client'
import { keys, usePages } from '../../../api/queries'
import type { Session } from '../../../api/types'
import { providerName } from '../../../auth/providers'
import { ConfirmButton } from '../../../components/confirm'
import { useOptimistic } from '../../../components/optimistic'
import { Section } from '../../../components/section'
import { Fault, Listing, Name, Time } from '../../../components/show'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import '../../../i18n/en/later/account'

export function Devices() {
  const t = useT()
  const client = useQueryClient()
  const list = usePages(keys.devices, (query) => data(api.GET('/v1/me/sessions', { params: { query } })))
  const refresh = () => client.invalidateQueries({ queryKey: keys.devices })
  const endOne = useOptimistic<Session, string>({
    list: keys.devices,
    change: (sessions, id) => sessions.filter((session) => session.id !== id),
    send: (session) => data(api.DELETE('/v1/me/sessions/{session}', { params: { path: { session } } })),
  })
  const endOthers = async () => {
    await data(api.DELETE('/v1/me/sessions', { params: { query: { others: true } } }))
    await refresh()
  }
  const others = (list.rows?.length ?? 0) > 1
  return (
    <Section
      title={t('devices.title')}
      hint={t('devices.hint')}
      action={
        others && <ConfirmButton label={t('devices.others')} title={t('devices.othersTitle')} text={t('devices.othersText')} confirm={t('devices.others')} action={endOthers} />
      }
    >
      <Fault error={endOne.error} />
      <Listing list={list} empty={t('devices.none')}>
        {(sessions) => (
          <Table
            label={t('devices.table')}
            rows={sessions}
            rowKey={(session) => session.id}
            columns={[
              {
                label: t('devices.device'),
                cell: (session) => (
                  <Stack gap={0} align="flex-start">
                    <Name line>{session.device || t('common.unknownDevice')}</Name>
                    {session.current && (
                      <Badge variant="light" color="teal">
                        {t('devices.thisOne')}
                      </Badge>
                    )}
                  </Stack>
                ),
              },
              { label: t('devices.by'), cell: (session) => session.methods.map((method) => providerName(t, method)).join(', ') },
              { label: t('devices.network'), cell: (session) => <Name line>{[session.ip, session.place].filter(Boolean).join(' · ')}</Name> },
              { label: t('devices.lastSeen'), cell: (session) => <Time at={session.last_seen_at} /> },
              {
                label: t('devices.end'),
                action: true,
                cell: (session) =>
                  session.current ? (
                    <Text size="sm" className="muted">
                      {t('devices.signOutAbove')}
                    </Text>
                  ) : (
                    <ConfirmButton
                      label={t('devices.end')}
                      accessibleLabel={t('devices.endOf', { device: session.device, ip: session.ip })}
                      title={t('devices.endTitle')}
                      text={t('devices.endText', { device: session.device || t('common.unknownDevice') })}
                      confirm={t('devices.endConfirm')}
                      action={() => endOne.mutateAsync(session.id)}
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
