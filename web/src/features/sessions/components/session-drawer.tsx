import { Anchor, Badge, Button, Drawer, Group, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useRef } from 'react'
import { Link } from 'react-router'
import { providerName } from '../../../auth/providers'
import { Name, Person, Time } from '../../../components/show'
import { statusColor } from '../../../components/status'
import { useT } from '../../../i18n/language'
import { isOpen } from '../filters'
import { refusedWhy } from '../refused'
import type { AnySession } from './ended'
import '../../../i18n/en/later/sessions'

interface Props {
  /** Undefined: it is closed. */
  session: AnySession | undefined
  onClose: () => void
  onEnd: (session: AnySession) => void
  trail?: (user: string) => string
}

// SessionDrawer says everything about one session, at the side of the list.
export function SessionDrawer({ session, onClose, onEnd, trail }: Props) {
  const t = useT()
  // Kept while it closes.
  const last = useRef(session)
  if (session) last.current = session
  const shown = last.current
  return (
    <Drawer
      opened={session !== undefined}
      onClose={onClose}
      position="right"
      size={400}
      title={<Name>{shown?.device || t('common.unknownDevice')}</Name>}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {shown && (
        <Stack gap="lg">
          <Person user={shown.user} {...(shown.current ? { note: t('sessions.thisBrowser') } : {})} />
          <Part title={t('sessions.one')}>
            <Fact name={t('sessions.state')}>
              <Badge variant="light" color={statusColor(shown.status)} miw="max-content">
                {t(`sessions.${shown.status}`)}
              </Badge>
            </Fact>
            <Fact name={t('sessions.entered')}>
              <Time at={shown.created_at} />
            </Fact>
            <Fact name={t('sessions.verified')}>
              <Time at={shown.authenticated_at} />
            </Fact>
            <Fact name={t('sessions.lastSeen')}>
              <Time at={shown.last_seen_at} />
            </Fact>
            <Fact name={t('sessions.expires')}>
              <Time at={[shown.expires_at, shown.idle_expires_at].sort()[0]!} />
            </Fact>
            <Fact name={t('sessions.place')}>{shown.place ? <Name>{shown.place}</Name> : t('sessions.unknownPlace')}</Fact>
            <Fact name={t('sessions.address')}>
              <code>{shown.ip}</code>
            </Fact>
            <Fact name={t('sessions.id')}>
              <code className="name">{shown.id}</code>
            </Fact>
          </Part>
          <Part title={t('sessions.ways')}>
            <Fact name={t('sessions.verifiedWith')}>{shown.methods.map((method) => providerName(t, method)).join(', ')}</Fact>
            {shown.client && (
              <Fact name={t('sessions.application')}>
                <Name>{shown.client.name}</Name>
              </Fact>
            )}
          </Part>
          {'team_id' in shown && (
            <Part title={t('sessions.policy')}>
              <Fact name={t('sessions.role')}>{shown.role ? t(`common.${shown.role}`) : t('sessions.noMember')}</Fact>
              <Fact name={t('sessions.state')}>{shown.refusal ? refusedWhy(t, shown.refusal) : t('sessions.meetsPolicy')}</Fact>
              {shown.break_glass_until && (
                <Fact name={t('sessions.emergency')}>
                  <Time at={shown.break_glass_until} />
                </Fact>
              )}
            </Part>
          )}
          <details className="more">
            <summary>{t('sessions.userAgent')}</summary>
            <Text size="xs" className="name">
              {shown.user_agent}
            </Text>
          </details>
          <Group justify="space-between">
            {isOpen(shown.status) ? (
              <Button color="red" variant="outline" onClick={() => onEnd(shown)}>
                {t('sessions.endThis')}
              </Button>
            ) : (
              <span />
            )}
            {trail && (
              <Anchor component={Link} to={trail(shown.user.id)} size="sm">
                {t('sessions.openTrail')}
              </Anchor>
            )}
          </Group>
        </Stack>
      )}
    </Drawer>
  )
}

// Part is a titled list of facts.
export function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <Title order={3} size="h6" mb={4}>
        {title}
      </Title>
      <dl className="facts">{children}</dl>
    </section>
  )
}

// Fact is one of them.
export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
