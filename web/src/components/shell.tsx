import { ActionIcon, Anchor, Box, Button, Container, Group, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { lazy, type ReactNode, Suspense, useEffect, useRef } from 'react'
import { Link, useLocation } from 'react-router'
import { isProblem } from '../api/problem'
import { useSession } from '../api/queries'
import { isRestricted } from '../auth/step-up'
import { brand } from '../brand'
import { isDev } from '../dev'
import { languages, setLanguage, useT } from '../i18n/language'
import type { Language } from '../i18n/translate'
import { Boundary } from './broken'
import { Name, personName } from './show'

function ColorScheme() {
  const t = useT()
  const { setColorScheme } = useMantineColorScheme()
  const dark = useComputedColorScheme('light') === 'dark'
  return (
    <ActionIcon variant="default" size="lg" aria-label={t(dark ? 'shell.toLight' : 'shell.toDark')} onClick={() => setColorScheme(dark ? 'light' : 'dark')}>
      <svg width="18" height="18" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" aria-hidden="true">
        {dark ? (
          <>
            <circle cx="12" cy="12" r="4.5" />
            <path d="M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.5 1.5M17.5 17.5L19 19M5 19l1.5-1.5M17.5 6.5L19 5" />
          </>
        ) : (
          <path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z" />
        )}
      </svg>
    </ActionIcon>
  )
}

function Languages() {
  const t = useT()
  return (
    <select className="language" aria-label={t('shell.language')} value={t.language} onChange={(event) => void setLanguage(event.currentTarget.value as Language)}>
      {Object.entries(languages).map(([language, name]) => (
        <option key={language} value={language} lang={language}>
          {name}
        </option>
      ))}
    </select>
  )
}

// The menus of those who are signed in come after the page is there.
const TeamSwitcher = lazy(async () => ({ default: (await import('./header-menu')).TeamSwitcher }))
const AvatarMenu = lazy(async () => ({ default: (await import('./header-menu')).AvatarMenu }))

function SignIn() {
  const t = useT()
  const { pathname } = useLocation()
  if (pathname === '/sign-in') return null
  // A person who has just signed in is not asked whether to sign out again.
  return (
    <Button component={Link} to={pathname === '/sign-out' ? '/sign-in' : `/sign-in?return_to=${encodeURIComponent(pathname)}`}>
      {t('shell.signIn')}
    </Button>
  )
}

// Shell is the frame of every page. After a navigation the focus moves to its top,
// where a screen reader continues.
export function Shell({ children }: { children: ReactNode }) {
  const t = useT()
  const { pathname } = useLocation()
  const session = useSession()
  // Who is leaving is signed in, and can do nothing that the menus lead to.
  const leaving = isProblem(session.error, 'deletion_pending')
  const main = useRef<HTMLDivElement>(null)
  const first = useRef(true)
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever the path changes
  useEffect(() => {
    if (!first.current) main.current?.focus()
    first.current = false
  }, [pathname])
  return (
    <>
      <a className="skip" href="#content">
        {t('shell.skip')}
      </a>
      <Box component="header" className="header">
        {isDev && (
          <p className="dev-note" role="note">
            {t('shell.development')}
          </p>
        )}
        <Container size="xl" py={12}>
          <Group justify="space-between" wrap="nowrap" gap="sm" h={36}>
            <Group gap={6} wrap="nowrap" miw={0}>
              <Anchor component={Link} to="/" c="inherit" fw={700} underline="never" size="lg" miw={0}>
                <Group gap={8} wrap="nowrap" miw={0}>
                  <img
                    src={brand.logo}
                    alt=""
                    width={26}
                    height={26}
                    style={{ objectFit: 'contain' }}
                    referrerPolicy="no-referrer"
                    onError={(event) => (event.currentTarget.hidden = true)}
                  />
                  <Name line>{brand.name}</Name>
                </Group>
              </Anchor>
              {session.data && (
                <Boundary instead={null}>
                  <Suspense fallback={null}>
                    <TeamSwitcher restricted={isRestricted(session.data.session)} />
                  </Suspense>
                </Boundary>
              )}
            </Group>
            {(session.data === null || leaving) && (
              <Group gap="xs" wrap="nowrap">
                {!leaving && <SignIn />}
                <ColorScheme />
              </Group>
            )}
            {session.data && !leaving && (
              <Boundary
                instead={
                  <Anchor component={Link} to="/account">
                    {personName(t, session.data.user)}
                  </Anchor>
                }
              >
                <Suspense fallback={null}>
                  <AvatarMenu user={session.data.user} />
                </Suspense>
              </Boundary>
            )}
          </Group>
        </Container>
      </Box>
      <Container size="xl" py="xl" component="main" id="content" ref={main} tabIndex={-1}>
        {children}
      </Container>
      <Container size="xl" pb="xl" component="footer">
        <Group gap="lg" component="nav" aria-label={t('shell.footer')}>
          {brand.home && (
            <Anchor href={brand.home} size="sm" className="muted">
              {t('shell.backTo', { host: new URL(brand.home).host })}
            </Anchor>
          )}
          {(isDev || session.data?.user.operator) && (
            <>
              <Anchor component={Link} to="/docs" size="sm" className="muted">
                {t('shell.api')}
              </Anchor>
              <Anchor component={Link} to="/admin" size="sm" className="muted">
                {t('shell.operator')}
              </Anchor>
            </>
          )}
          <Languages />
        </Group>
      </Container>
    </>
  )
}
