import { Avatar, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useChange } from '../../api/change'
import { api, data } from '../../api/client'
import { keys } from '../../api/queries'
import type { CurrentSession, User } from '../../api/types'
import { Section } from '../../components/section'
import { Fault, personName, Time } from '../../components/show'
import { useT } from '../../i18n/language'

export function Profile({ user }: { user: User }) {
  const t = useT()
  const [name, setName] = useState(user.display_name)
  const [avatar, setAvatar] = useState(user.avatar_url)
  const client = useQueryClient()
  const save = useChange({
    mutationFn: () => data(api.PATCH('/v1/me', { body: { display_name: name.trim(), avatar_url: avatar.trim() } })),
    onSuccess: (saved) => {
      setName(saved.display_name)
      setAvatar(saved.avatar_url)
      client.setQueryData<CurrentSession>(keys.session, (session) => session && { ...session, user: saved })
    },
  })
  const changed = name.trim() !== user.display_name || avatar.trim() !== user.avatar_url
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
              <TextInput label={t('account.name')} maxLength={200} dir="auto" value={name} onChange={(event) => setName(event.currentTarget.value)} autoComplete="name" />
              <TextInput
                label={t('account.avatar')}
                maxLength={2048}
                inputMode="url"
                value={avatar}
                onChange={(event) => setAvatar(event.currentTarget.value)}
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
