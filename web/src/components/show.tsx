import { Alert, Button, Group, Skeleton, Stack, Text } from '@mantine/core'
import { type ReactNode, useEffect, useState, useSyncExternalStore } from 'react'
import { isProblem } from '../api/problem'
import type { AdminUser, AuditParty, UserSummary } from '../api/types'
import { type While, wordsForError } from '../auth/words'
import { useT } from '../i18n/language'
import type { Translate, Words } from '../i18n/translate'
import { shortAddress, walletOf } from '../wallet/types'
import { exactTime, relativeTime } from './time'

// Name shows what a stranger wrote: isolated, so that right-to-left text and
// direction marks cannot rearrange the text beside it.
export function Name({ children, line = false }: { children: string; line?: boolean }) {
  return (
    <bdi className={line ? 'name-line' : 'name'} title={children}>
      {children}
    </bdi>
  )
}

type Known = Omit<UserSummary, 'primary_wallet'> & Partial<Pick<UserSummary, 'primary_wallet'> & Pick<AdminUser, 'identities'>>

// personName is never empty: people without a name are shown by something else.
export function personName(t: Translate, user: Known): string {
  const wallet = user.primary_wallet ?? walletOf(user.identities)
  return user.display_name.trim() || user.primary_email || (wallet ? shortAddress(wallet) : t('common.person', { id: user.id.slice(-6) }))
}

// partyName says who an id in a trail is.
export function partyName(t: Translate, id: string, party: AuditParty | undefined): string {
  if (party?.kind === 'api_key') return t('common.apiKey', { name: party.display_name })
  return personName(t, { display_name: '', primary_email: null, ...party, id })
}

export function Person({ user, note }: { user: UserSummary; note?: string }) {
  const name = personName(useT(), user)
  return (
    <Stack gap={0}>
      <div>
        <Name line>{name}</Name>
        {note && <span className="note muted"> ({note})</span>}
      </div>
      {user.primary_email && user.primary_email !== name && (
        <Text size="xs" className="muted" component="div">
          <Name line>{user.primary_email}</Name>
        </Text>
      )}
    </Stack>
  )
}

// One clock for all times on a page, running only while one is shown.
let now = Date.now()
const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

function subscribe(listener: () => void) {
  listeners.add(listener)
  if (timer === undefined) now = Date.now()
  timer ??= setInterval(() => {
    now = Date.now()
    for (const tell of listeners) tell()
  }, 30_000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

// useNow is the time of day, as it goes on.
export function useNow(): Date {
  return new Date(useSyncExternalStore(subscribe, () => now))
}

// Time says how long ago, and exactly when on hover.
export function Time({ at }: { at: string }) {
  const clock = useSyncExternalStore(subscribe, () => now)
  const t = useT()
  const then = new Date(at)
  return (
    <time dateTime={at} title={exactTime(then, t.locale)}>
      {relativeTime(then, new Date(clock), t.locale, t('common.justNow'))}
    </time>
  )
}

export function WordsAlert({ words, requestId, kind = 'error' }: { words: Words; requestId?: string | undefined; kind?: 'error' | 'done' }) {
  const t = useT()
  return (
    <Alert role={kind === 'error' ? 'alert' : 'status'} color={kind === 'error' ? 'red' : 'teal'} variant="light" title={words.title}>
      {(words.text || requestId) && (
        <>
          {words.text}
          {requestId && (
            <Text size="xs" className="muted" mt={4}>
              {t.rich('common.request', { id: <code key="id">{requestId}</code> })}
            </Text>
          )}
        </>
      )}
    </Alert>
  )
}

// Fault shows an error in words, or nothing where there is nothing to say.
export function Fault({ error, purpose }: { error: unknown; purpose?: While | undefined }) {
  const t = useT()
  if (error === null || error === undefined) return null
  const words = wordsForError(t, error, purpose)
  if (!words) return null
  return <WordsAlert words={words} requestId={isProblem(error) ? error.requestId : undefined} />
}

// Retry shows an error where there should be something, and a way to it.
export function Retry({ error, purpose, again }: { error: unknown; purpose?: While | undefined; again: () => unknown }) {
  const t = useT()
  return (
    <Stack gap="sm" align="flex-start">
      <Fault error={error} purpose={purpose} />
      <Button variant="default" onClick={() => again()}>
        {t('common.tryAgain')}
      </Button>
    </Stack>
  )
}

interface ListState<T> {
  rows: T[] | undefined
  error: unknown
  /** Of lists that grow by more pages. */
  isFetchingNextPage?: boolean
  hasNextPage?: boolean
  fetchNextPage?: () => unknown
  refetch: () => unknown
}

// Listing gives every list the same loading, empty and error states.
export function Listing<T>(props: { list: ListState<T>; empty: ReactNode; purpose?: While | undefined; children: (rows: T[]) => ReactNode }) {
  const { list } = props
  const t = useT()
  if (list.rows === undefined) {
    return list.error ? <Retry error={list.error} purpose={props.purpose} again={list.refetch} /> : <Waiting />
  }
  return (
    <Stack gap="sm">
      {list.error ? <Fault error={list.error} purpose={props.purpose} /> : null}
      {list.rows.length === 0 ? <Text className="muted">{props.empty}</Text> : props.children(list.rows)}
      {list.hasNextPage && (
        <Group justify="center">
          <Button variant="default" loading={list.isFetchingNextPage ?? false} onClick={() => list.fetchNextPage?.()}>
            {t('common.showMore')}
          </Button>
        </Group>
      )}
    </Stack>
  )
}

// Waiting keeps the place of what is coming. It appears after a moment only:
// most answers are there before, and a flash is worse than nothing.
export function Waiting() {
  const t = useT()
  const [shown, setShown] = useState(false)
  useEffect(() => {
    const delay = setTimeout(() => setShown(true), 150)
    return () => clearTimeout(delay)
  }, [])
  return (
    <Stack gap="xs" role="status" aria-label={t('common.loading')} style={{ visibility: shown ? 'visible' : 'hidden' }}>
      <Skeleton height={18} width="60%" />
      <Skeleton height={18} width="85%" />
      <Skeleton height={18} width="40%" />
    </Stack>
  )
}

// WaitingPage waits for a whole page: most are longer than the window, so that
// the footer stays out of it.
export function WaitingPage() {
  return (
    <div style={{ minHeight: '100vh' }}>
      <Waiting />
    </div>
  )
}
