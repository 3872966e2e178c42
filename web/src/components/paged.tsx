import { Button, Group, Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Page } from '../api/queries'
import { useT } from '../i18n/language'

interface Options<T> {
  limit?: number
  enabled?: boolean
  /** In how many milliseconds the rows may be others. */
  lookAgain?: (rows: T[]) => number | undefined
}

// usePaged reads one page of a list at a time, however long the list is, and
// goes back by the cursors it came by. Another filter begins at the first page,
// and from a page that has become empty it goes back to one that has not.
export function usePaged<T>(queryKey: readonly unknown[], fetchPage: (query: { cursor?: string; limit: number }) => Promise<Page<T>>, options: Options<T> = {}) {
  const id = JSON.stringify(queryKey)
  const [at, setAt] = useState<{ id: string; cursors: string[] }>({ id, cursors: [] })
  const cursors = at.id === id ? at.cursors : []
  const cursor = cursors.at(-1)
  const query = useQuery({
    queryKey: [...queryKey, cursor ?? null],
    queryFn: () => fetchPage({ limit: options.limit ?? 50, ...(cursor === undefined ? {} : { cursor }) }),
    placeholderData: keepPreviousData,
    enabled: options.enabled ?? true,
    refetchInterval: ({ state }) => options.lookAgain?.(state.data?.data ?? []) ?? false,
  })
  const next = query.data?.next_cursor
  const emptied = cursors.length > 0 && query.data?.data.length === 0 && !query.isPlaceholderData
  if (emptied && !query.isFetching) setAt({ id, cursors: cursors.slice(0, -1) })
  return {
    ...query,
    rows: emptied ? undefined : query.data?.data,
    number: cursors.length + 1,
    previous: cursors.length > 0 ? () => setAt({ id, cursors: cursors.slice(0, -1) }) : undefined,
    next: next && !query.isPlaceholderData ? () => setAt({ id, cursors: [...cursors, next] }) : undefined,
    first: () => setAt({ id, cursors: [] }),
  }
}

// Pages goes from page to page. Where there is one only, it is not there.
export function Pages({ list }: { list: { number: number; previous: (() => void) | undefined; next: (() => void) | undefined; isPlaceholderData: boolean } }) {
  const t = useT()
  if (!list.previous && !list.next && !list.isPlaceholderData) return null
  return (
    <Group component="nav" justify="center" aria-label={t('list.page', { number: list.number })}>
      <Button variant="default" size="xs" disabled={!list.previous} onClick={list.previous} aria-label={t('list.previous')}>
        ←
      </Button>
      <Text size="sm" className="muted" aria-live="polite">
        {t('list.page', { number: list.number })}
      </Text>
      <Button variant="default" size="xs" disabled={!list.next} onClick={list.next} aria-label={t('list.next')}>
        →
      </Button>
    </Group>
  )
}
