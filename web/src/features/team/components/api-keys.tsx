import { Radio, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'
import type { Team, TeamAPIKey } from '../../../api/types'
import { KeyManager } from '../../../components/key-manager'
import { Name } from '../../../components/show'
import { useT } from '../../../i18n/language'
import { useMemberNames } from './members'
import '../../../i18n/en/later/team'

const roles = ['member', 'admin'] as const

// APIKeys are the machine members of a team.
export function APIKeys({ team }: { team: Team }) {
  const t = useT()
  const nameOf = useMemberNames(team.id)
  const [role, setRole] = useState<TeamAPIKey['role']>('member')
  const path = { team: team.id }
  return (
    <KeyManager<TeamAPIKey>
      title={t('team.keys')}
      hint={t('team.keysHint')}
      empty={t('team.noKeys')}
      queryKey={keys.teamKeys(team.id)}
      fetchPage={(query) => data(api.GET('/v1/teams/{team}/api-keys', { params: { path, query } }))}
      may={(key) => (
        <Stack gap={0}>
          {t(`common.${key.role}`)}
          <Text size="xs" className="muted">
            {t(`team.keyMay_${key.role}`)}
          </Text>
        </Stack>
      )}
      maker={(key) => key.created_by && <Name line>{nameOf(key.created_by)}</Name>}
      choice={
        <Radio.Group label={t('team.keyRole')} value={role} onChange={(chosen) => setRole(chosen as TeamAPIKey['role'])}>
          <Stack gap={6} mt={4}>
            {roles.map((value) => (
              <Radio key={value} value={value} label={t(`common.${value}`)} description={t(`team.keyMay_${value}`)} />
            ))}
          </Stack>
        </Radio.Group>
      }
      chosen
      make={(key) => data(api.POST('/v1/teams/{team}/api-keys', { params: { path }, body: { ...key, role } }))}
      rotate={(key) => data(api.POST('/v1/teams/{team}/api-keys/{key}/rotate', { params: { path: { ...path, key } }, body: {} }))}
      end={(key) => data(api.DELETE('/v1/teams/{team}/api-keys/{key}', { params: { path: { ...path, key } } }))}
    />
  )
}
