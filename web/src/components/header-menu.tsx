import { Avatar, Loader, Menu, UnstyledButton, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { IconCheck, IconChevronDown, IconLogout, IconMoon, IconPlus, IconSelector, IconSettings, IconSun, IconUser, IconUsers } from '@tabler/icons-react'
import { useState } from 'react'
import { Link, useLocation } from 'react-router'
import { useTeams } from '../api/queries'
import type { CurrentSession } from '../api/types'
import { useSignOut } from '../auth/sign-out'
import { languages, setLanguage, useT } from '../i18n/language'
import type { Language } from '../i18n/translate'
import { Fault, Name, personName } from './show'

const icon = { size: 16, stroke: 1.7, 'aria-hidden': true } as const

// TeamSwitcher says whether the pages are those of a team or of the person, and
// leads to those of another.
export function TeamSwitcher({ restricted }: { restricted: boolean }) {
  const t = useT()
  const { pathname } = useLocation()
  const teams = useTeams(!restricted)
  const open = /^\/teams\/([^/]+)/.exec(pathname)?.[1]
  const team = teams.rows?.find(({ id }) => id === open)
  const place = pathname.startsWith('/admin') ? t('shell.operator') : open ? (team?.name ?? t('shell.team')) : t('shell.personal')
  return (
    <Menu position="bottom-start" width={260} withinPortal>
      <Menu.Target>
        <UnstyledButton className="switcher" aria-label={t('shell.switchTo', { place })}>
          <Name line>{place}</Name>
          <IconSelector {...icon} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown mah="70vh" style={{ overflowY: 'auto' }}>
        <Menu.Item component={Link} to="/account" leftSection={<IconUser {...icon} />}>
          {t('shell.personal')}
        </Menu.Item>
        {teams.rows && teams.rows.length > 0 && <Menu.Label>{t('shell.teams')}</Menu.Label>}
        {teams.rows?.map(({ id, name }) => (
          <Menu.Item
            key={id}
            component={Link}
            to={`/teams/${id}`}
            leftSection={<IconUsers {...icon} />}
            rightSection={id === open && <IconCheck {...icon} />}
            aria-current={id === open ? 'true' : undefined}
          >
            <Name line>{name}</Name>
          </Menu.Item>
        ))}
        {teams.isLoading && <Loader size="xs" m="xs" />}
        {teams.hasNextPage && (
          <Menu.Item
            closeMenuOnClick={false}
            leftSection={teams.isFetchingNextPage && <Loader size={16} />}
            onClick={() => void (teams.isFetchingNextPage || teams.fetchNextPage())}
          >
            {t('common.showMore')}
          </Menu.Item>
        )}
        {!restricted && (
          <>
            <Menu.Divider />
            <Menu.Item component={Link} to="/" leftSection={<IconPlus {...icon} />}>
              {t('shell.newTeam')}
            </Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}

// AvatarMenu leads to what belongs to the person, and signs out.
export function AvatarMenu({ user }: { user: CurrentSession['user'] }) {
  const t = useT()
  const { setColorScheme } = useMantineColorScheme()
  const dark = useComputedColorScheme('light') === 'dark'
  const [opened, setOpened] = useState(false)
  const signOut = useSignOut('/')
  const name = personName(t, user)
  return (
    <Menu position="bottom-end" width={240} opened={opened} onChange={setOpened}>
      <Menu.Target>
        <UnstyledButton className="switcher" style={{ flex: 'none' }} aria-label={t('shell.yourAccount', { name })}>
          <Avatar src={user.avatar_url || null} size={28} radius="xl" alt="" name={name} variant="filled" color="cyan" imageProps={{ referrerPolicy: 'no-referrer' }} />
          <IconChevronDown {...icon} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Name line>{name}</Name>
        </Menu.Label>
        <Menu.Item component={Link} to="/account" leftSection={<IconUser {...icon} />}>
          {t('shell.account')}
        </Menu.Item>
        <Menu.Item component={Link} to="/" leftSection={<IconUsers {...icon} />}>
          {t('shell.teams')}
        </Menu.Item>
        {user.operator && (
          <Menu.Item component={Link} to="/admin" leftSection={<IconSettings {...icon} />}>
            {t('shell.operator')}
          </Menu.Item>
        )}
        <Menu.Divider />
        <Menu.Item leftSection={dark ? <IconSun {...icon} /> : <IconMoon {...icon} />} closeMenuOnClick={false} onClick={() => setColorScheme(dark ? 'light' : 'dark')}>
          {t(dark ? 'shell.toLight' : 'shell.toDark')}
        </Menu.Item>
        <Menu.Label>{t('shell.language')}</Menu.Label>
        {(Object.entries(languages) as [Language, string][]).map(([language, label]) => (
          <Menu.Item
            key={language}
            lang={language}
            rightSection={language === t.language && <IconCheck {...icon} />}
            aria-current={language === t.language ? 'true' : undefined}
            onClick={() => void setLanguage(language)}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout {...icon} />} closeMenuOnClick={false} disabled={signOut.isPending} onClick={() => signOut.mutate()}>
          {t('shell.signOut')}
        </Menu.Item>
        <Fault error={signOut.error} />
      </Menu.Dropdown>
    </Menu>
  )
}
