import { NativeSelect, Stack, Text, TextInput } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'
import type { AdminUser } from '../../../api/types'
import { Name, personName } from '../../../components/show'
import { useT } from '../../../i18n/language'
import { readID } from '../../sessions/filters'
import { ReasonConfirm } from './reason-confirm'
import '../../../i18n/en/later/account'
import '../../../i18n/en/later/operator'

interface Fate {
  does: '' | 'delete' | 'transfer'
  to: string
}

// DeleteUser deletes a user after the grace. Teams that they own may need an heir.
export function DeleteUser({ user }: { user: AdminUser }) {
  const t = useT()
  const client = useQueryClient()
  const [fates, setFates] = useState<Record<string, Fate>>({})
  const owned = useQuery({
    queryKey: keys.admin('owned teams', user.id),
    queryFn: async () =>
      (await data(api.GET('/v1/admin/users/{user}/teams', { params: { path: { user: user.id }, query: { limit: 100 } } }))).data.filter(({ role }) => role === 'owner'),
  })
  const of = (team: string): Fate => fates[team] ?? { does: '', to: '' }
  const ready = Object.values(fates).every(({ does, to }) => does !== 'transfer' || readID(to) !== undefined)
  const remove = async (reason: string) => {
    const teams = Object.fromEntries(
      Object.entries(fates)
        .filter(([, { does }]) => does !== '')
        .map(([team, { does, to }]) => [team, does === 'delete' ? { delete: true as const } : { transfer_to: readID(to)! }]),
    )
    await data(api.DELETE('/v1/admin/users/{user}', { params: { path: { user: user.id } }, body: { teams, ...(reason ? { reason } : {}) } }))
    await client.invalidateQueries({ queryKey: keys.operator })
  }
  return (
    <ReasonConfirm
      color="red"
      label={t('leaving.deleteUser')}
      title={t('leaving.deleteUserTitle')}
      text={
        <Stack gap="sm">
          <div>{t.rich('leaving.deleteUserText', { name: <Name key="name">{personName(t, user)}</Name> })}</div>
          {owned.data?.map(({ team }) => (
            <Stack key={team.id} gap={4}>
              <NativeSelect
                label={<Name>{team.name}</Name>}
                value={of(team.id).does}
                onChange={(event) => setFates({ ...fates, [team.id]: { ...of(team.id), does: event.currentTarget.value as Fate['does'] } })}
                data={[
                  { value: '', label: t('leaving.otherOwner') },
                  { value: 'transfer', label: t('leaving.transfer') },
                  { value: 'delete', label: t('leaving.deleteTeam') },
                ]}
              />
              {of(team.id).does === 'transfer' && (
                <TextInput
                  label={t('leaving.heir')}
                  maxLength={40}
                  spellCheck={false}
                  value={of(team.id).to}
                  onChange={(event) => setFates({ ...fates, [team.id]: { ...of(team.id), to: event.currentTarget.value } })}
                />
              )}
            </Stack>
          ))}
          {owned.data && owned.data.length > 0 && (
            <Text size="xs" className="muted">
              {t('leaving.transferFinal')}
            </Text>
          )}
        </Stack>
      }
      confirm={t('leaving.deleteUser')}
      intent={`delete ${user.id}`}
      ready={ready}
      action={remove}
    />
  )
}

// CancelDeletion lets a user who is leaving stay.
export function CancelDeletion({ user }: { user: AdminUser }) {
  const t = useT()
  const client = useQueryClient()
  return (
    <ReasonConfirm
      label={t('leaving.cancel')}
      title={t('leaving.cancelTitle')}
      text={t.rich('leaving.cancelText', { name: <Name key="name">{personName(t, user)}</Name> })}
      confirm={t('leaving.cancel')}
      intent={`cancel deletion ${user.id}`}
      action={async (reason) => {
        await data(api.POST('/v1/admin/users/{user}/cancel-deletion', { params: { path: { user: user.id } }, body: reason ? { reason } : {} }))
        await client.invalidateQueries({ queryKey: keys.operator })
      }}
    />
  )
}
