import { Avatar, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useNavigate } from 'react-router'
import { useChange } from '../../../api/change'
import { api, data } from '../../../api/client'
import { keys, resetAllQueries } from '../../../api/queries'
import type { CurrentSession, User } from '../../../api/types'
import { doneNow } from '../../../components/done'
import { Section } from '../../../components/section'
import { Fault, personName, Time } from '../../../components/show'
import { useT } from '../../../i18n/language'
import '../../../i18n/en/later/account'

export function Profile({ user }: { user: User }) {
  const t = useT()
  // Only what was typed: the rest is as it is, also when it changes elsewhere.
  const [typed, setTyped] = useState<{ name?: string; avatar?: string }>({})
  const { name = user.display_name, avatar = user.avatar_url } = typed
  const client = useQueryClient()
  const navigate = useNavigate()
  const body = {
    ...(name.trim() !== user.display_name && { display_name: name.trim() }),
    ...(avatar.trim() !== user.avatar_url && { avatar_url: avatar.trim() }),
  }
  const changed = Object.keys(body).length > 0
  const save = useChange({
    mutationFn: async () => {
      // In another window somebody else may have signed in, whom this is not about.
      const { user: here } = await data(api.GET('/v1/session'))
      return here.id === user.id ? data(api.PATCH('/v1/me', { body })) : undefined
    },
    onSuccess: async (saved) => {
      if (!saved) {
        await navigate('/account/profile', doneNow('replaced'))
        return resetAllQueries(client)
      }
      setTyped({})
      client.setQueryData<CurrentSession>(keys.session, (session) => session && { ...session, user: saved })
    },
  })
  const badAvatar = avatar.trim() !== '' && !/^https:\/\/./.test(avatar.trim())
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <Section title={t('account.profile')}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Group align="flex-start" wrap="nowrap">
            <Avatar src={user.avatar_url || null} size={72} radius="md" alt="" name={personName(t, user)} imageProps={{ referrerPolicy: 'no-referrer' }} />
            <Stack gap="sm" flex={1} miw={0}>
              <TextInput
                label={t('account.name')}
                maxLength={200}
                dir="auto"
                value={name}
                onChange={(event) => setTyped({ ...typed, name: event.currentTarget.value })}
                autoComplete="name"
              />
              <TextInput
                label={t('account.avatar')}
                maxLength={2048}
                inputMode="url"
                value={avatar}
                onChange={(event) => setTyped({ ...typed, avatar: event.currentTarget.value })}
                error={badAvatar && t('account.avatarError')}
                autoComplete="photo"
              />
            </Stack>
          </Group>
          <Fault error={save.error} />
          <Group justify="space-between">
            <Text size="sm" className="muted" component="div" role="status">
              {save.isSuccess && !changed && t('account.saved') + ' '}
              {t.rich('account.made', { time: <Time at={user.created_at} /> })}
            </Text>
            <Button type="submit" loading={save.isPending} disabled={!changed || badAvatar}>
              {t('account.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  )
}
