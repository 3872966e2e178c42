import { Anchor, Badge, Button, Group, Stack, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { navigationPending, useChange } from '../../api/change'
import { api, data } from '../../api/client'
import { keys, type useTeams } from '../../api/queries'
import { Fault, Listing, Name } from '../../components/show'
import { useT } from '../../i18n/language'
import '../../i18n/en/later/home'

// Teams lists the person's teams and makes new ones.
export function Teams({ list }: { list: ReturnType<typeof useTeams> }) {
  const t = useT()
  const [name, setName] = useState('')
  const client = useQueryClient()
  const navigate = useNavigate()
  const create = useChange({
    mutationFn: () => data(api.POST('/v1/teams', { body: { name: name.trim() } })),
    onSuccess: async (team) => {
      await client.invalidateQueries({ queryKey: keys.teams })
      await navigate(`/teams/${team.id}`)
      return navigationPending()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (name.trim()) create.mutate()
  }
  return (
    <Stack gap="sm">
      <Listing list={list} empty={t('home.noTeam')}>
        {(teams) => (
          <Stack component="ul" gap={6} m={0} p={0} aria-label={t('home.yourTeams')}>
            {teams.map((team) => (
              <Group component="li" key={team.id} gap="xs" wrap="nowrap">
                <Anchor component={Link} to={`/teams/${team.id}`} miw={0}>
                  <Name line>{team.name}</Name>
                </Anchor>
                <Badge variant="light" color="gray" style={{ flexShrink: 0 }}>
                  {t(`common.${team.role}`)}
                </Badge>
              </Group>
            ))}
          </Stack>
        )}
      </Listing>
      <form onSubmit={submit}>
        <Stack gap="xs">
          <TextInput label={t('home.teamName')} maxLength={100} value={name} onChange={(event) => setName(event.currentTarget.value)} autoComplete="off" />
          <Fault error={create.error} />
          <Button type="submit" loading={create.isPending} disabled={!name.trim()}>
            {t('home.makeTeam')}
          </Button>
        </Stack>
      </form>
    </Stack>
  )
}
