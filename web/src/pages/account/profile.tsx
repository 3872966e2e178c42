import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { api, data } from '../../api/client'
import { keys } from '../../api/queries'
import type { User } from '../../api/types'
import { Section } from '../../components/section'
import { Fault, Name, Time } from '../../components/show'

export function Profile({ user }: { user: User }) {
  const [name, setName] = useState(user.display_name)
  const client = useQueryClient()
  const save = useMutation({
    mutationFn: () => data(api.PATCH('/v1/me', { body: { display_name: name.trim() } })),
    onSuccess: (saved) => {
      setName(saved.display_name)
      return client.invalidateQueries({ queryKey: keys.session })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <Section title="Profile">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Group align="flex-end">
            <TextInput label="Name" flex="1 1 14rem" maxLength={200} dir="auto" value={name} onChange={(event) => setName(event.currentTarget.value)} autoComplete="name" />
            <Button type="submit" loading={save.isPending} disabled={name.trim() === user.display_name}>
              Save name
            </Button>
          </Group>
          <Fault error={save.error} />
          <Text size="sm" className="muted" component="div" role="status">
            {save.isSuccess && name === user.display_name ? 'Saved. ' : ''}
            {user.primary_email ? (
              <>
                Verified address: <Name>{user.primary_email}</Name>.{' '}
              </>
            ) : (
              'No verified e-mail address. '
            )}
            Account made <Time at={user.created_at} />.
          </Text>
        </Stack>
      </form>
    </Section>
  )
}
