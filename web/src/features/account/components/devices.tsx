import { Badge, Group, Paper, SimpleGrid, Stack, Text, ThemeIcon } from '@mantine/core'
import { IconDeviceLaptop, IconDeviceMobile } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { api, data } from '../../../api/client'
import { keys, usePages } from '../../../api/queries'
import type { Session } from '../../../api/types'
import { providerName } from '../../../auth/providers'
import { ConfirmButton } from '../../../components/confirm'
import { useOptimistic } from '../../../components/optimistic'
import { Section } from '../../../components/section'
import { Fault, Listing, Name, Time } from '../../../components/show'
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
      bare
      action={
        others && <ConfirmButton label={t('devices.others')} title={t('devices.othersTitle')} text={t('devices.othersText')} confirm={t('devices.others')} action={endOthers} />
      }
    >
      <Fault error={endOne.error} />
      <Listing list={list} empty={t('devices.none')}>
        {(sessions) => (
          <SimpleGrid cols={{ base: 1, md: 2 }} component="ul" className="cards" aria-label={t('devices.table')}>
            {sessions.map((session) => (
              <Paper key={session.id} withBorder p="md" component="li">
                <Group wrap="nowrap" align="flex-start" gap="sm">
                  <ThemeIcon variant="default" size={36}>
                    {/iOS|iPhone|Android/.test(session.device) ? <IconDeviceMobile size={18} aria-hidden /> : <IconDeviceLaptop size={18} aria-hidden />}
                  </ThemeIcon>
                  <Stack gap={0} miw={0} flex={1}>
                    <Text fw={500} component="div">
                      <Name line>{session.device || t('common.unknownDevice')}</Name>
                    </Text>
                    <Text size="sm" className="muted" component="div">
                      <Name>{[session.place, session.ip].filter(Boolean).join(' · ')}</Name>
                    </Text>
                  </Stack>
                  {session.current && (
                    <Badge variant="dot" color="teal" style={{ flex: 'none' }}>
                      {t('devices.thisOne')}
                    </Badge>
                  )}
                </Group>
                <Group justify="space-between" align="flex-end" mt="sm">
                  <dl className="facts">
                    <div>
                      <dt>{t('devices.lastSeen')}</dt>
                      <dd>
                        <Time at={session.last_seen_at} />
                      </dd>
                    </div>
                    <div>
                      <dt>{t('devices.firstSeen')}</dt>
                      <dd>
                        <Time at={session.created_at} />
                      </dd>
                    </div>
                    <div>
                      <dt>{t('devices.by')}</dt>
                      <dd>{session.methods.map((method) => providerName(t, method)).join(', ')}</dd>
                    </div>
                  </dl>
                  {!session.current && (
                    <ConfirmButton
                      label={t('devices.end')}
                      accessibleLabel={t('devices.endOf', { device: session.device || t('common.unknownDevice'), ip: session.ip })}
                      title={t('devices.endTitle')}
                      text={t('devices.endText', { device: session.device || t('common.unknownDevice') })}
                      confirm={t('devices.endConfirm')}
                      action={() => endOne.mutateAsync(session.id)}
                    />
                  )}
                </Group>
              </Paper>
            ))}
          </SimpleGrid>
        )}
      </Listing>
    </Section>
  )
}
