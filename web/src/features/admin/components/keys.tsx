import { Checkbox, Group } from '@mantine/core'
import { useState } from 'react'
import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'
import type { APIKey, APIKeyScope } from '../../../api/types'
import { KeyManager } from '../../../components/key-manager'
import { useT } from '../../../i18n/language'
import '../../../i18n/en/later/keys'
import '../../../i18n/en/later/operator'

const scopes = {
  introspect: 'operator.scope_introspect',
  'users:read': 'operator.scope_users_read',
  'users:write': 'operator.scope_users_write',
  'proofs:write': 'operator.scope_proofs_write',
  'events:read': 'operator.scope_events_read',
  'admin:read': 'operator.scope_read',
  'admin:write': 'operator.scope_write',
} as const

// Keys are those of the deployment.
export function Keys() {
  const t = useT()
  const [may, setMay] = useState<string[]>(['introspect'])
  return (
    <KeyManager<APIKey>
      title={t('operator.keys')}
      hint={t('operator.keysHint')}
      empty={t('keys.noKeys')}
      queryKey={keys.admin('keys')}
      fetchPage={(query) => data(api.GET('/v1/admin/api-keys', { params: { query } }))}
      may={(key) => key.scopes.map((scope) => t(scopes[scope])).join(', ')}
      choice={
        <Checkbox.Group label={t('keys.keyScopes')} value={may} onChange={setMay}>
          <Group mt={4}>
            {Object.entries(scopes)
              .filter(([scope]) => scope !== 'proofs:write') // such a key names its provider: by the API or the command line
              .map(([scope, label]) => (
                <Checkbox key={scope} value={scope} label={t(label)} />
              ))}
          </Group>
        </Checkbox.Group>
      }
      chosen={may.length > 0}
      make={(key) => data(api.POST('/v1/admin/api-keys', { body: { ...key, scopes: may as APIKeyScope[] } }))}
      rotate={(key) => data(api.POST('/v1/admin/api-keys/{key}/rotate', { params: { path: { key } }, body: {} }))}
      end={(key, sessions) => data(api.DELETE('/v1/admin/api-keys/{key}', { params: { path: { key }, query: sessions ? { end_sessions: true } : {} } }))}
    />
  )
}
