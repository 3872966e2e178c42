import { List, Stack, Text } from '@mantine/core'
import type { AdminSession, TeamSession } from '../../../api/types'
import { Name, personName } from '../../../components/show'
import { useT } from '../../../i18n/language'
import '../../../i18n/en/later/sessions'

const shownNames = 8

export type AnySession = (AdminSession | TeamSession) & Partial<Pick<TeamSession, 'role' | 'break_glass_until' | 'refusal'>>

// What ended, or would end.
export interface EndedSessions {
  /** When a dry run was. */
  as_of?: string
  count: number
  skipped?: number
  sessions: AnySession[]
}

// EndedList says how many sessions would end, whose they are and which stay.
export function EndedList({ ended }: { ended: EndedSessions }) {
  const t = useT()
  return (
    <Stack gap="xs">
      <Text>{ended.count > 0 ? t('sessions.endCount', { count: ended.count }) : t('sessions.endNothing')}</Text>
      <Whose sessions={ended.sessions} count={ended.count} />
      {ended.sessions.some((session) => session.current) && <Text fw={600}>{t('sessions.endOwn')}</Text>}
      {ended.skipped !== undefined && ended.skipped > 0 && <Text>{t('sessions.endSkipped', { count: ended.skipped })}</Text>}
    </Stack>
  )
}

// Whose names some of the sessions, and how many there are besides.
export function Whose({ sessions, count }: { sessions: EndedSessions['sessions']; count: number }) {
  const t = useT()
  if (sessions.length === 0) return null
  const named = sessions.slice(0, shownNames)
  return (
    <List size="sm">
      {named.map((session) => (
        <List.Item key={session.id}>
          <Name>{`${personName(t, session.user)}: ${session.device || t('common.unknownDevice')}, ${session.ip}`}</Name>
        </List.Item>
      ))}
      {count > named.length && <List.Item>{t('sessions.andMore', { count: count - named.length })}</List.Item>}
    </List>
  )
}
