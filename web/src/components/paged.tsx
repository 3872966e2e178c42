import { Button, Group, Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useSearchParams } from 'react-router'
import { isProblem } from '../api/problem'
import type { Page } from '../api/queries'
import { useT } from '../i18n/language'

interface Options<T> {
  limit?: number
  enabled?: boolean
  /** Whether the page is in the address: for the one list of a page. */
  inAddress?: boolean
  /** In how many milliseconds the rows may be others. */
  lookAgain?: (rows: T[]) => number | undefined
}

// usePaged reads one page of a list at a time, however long the list is. It goes back
// by the cursors it came by. Another filter begins at the first page, and from a page
// that has become empty it goes back to one that has not.
export function usePaged<T>(queryKey: readonly unknown[], fetchPage: (query: { cursor?: string; limit: number }) => Promise<Page<T>>, options: Options<T> = {}) {
  const id = JSON.stringify(queryKey)
  const [address, setQuery] = useSearchParams()
  const [seen, setSeen] = useState<{ id: string; cursors: string[] }>({ id, cursors: [] })
  const known = seen.id === id ? seen.cursors : []
  const asked = options.inAddress ? (address.get('cursor') ?? undefined) : known.at(-1)
  // By an address or the browser's way back the page is there, and not how it was
  // reached: those before it are counted, and back from it leads to the first.
  const cursors = asked === undefined ? [] : known.includes(asked) ? known.slice(0, known.indexOf(asked) + 1) : [...Array<string>(pageOf(address) - 2).fill(''), asked]
  const cursor = cursors.at(-1)
  const limit = options.limit ?? 50
  const setCursors = (next: string[], replace = false) => {
    const to = next.at(-1) === '' ? [] : next
    setSeen({ id, cursors: to })
    if (!options.inAddress) return
    setQuery(
      (before) => {
        const after = new URLSearchParams(before)
        after.delete('cursor')
        after.delete('page')
        if (to.length > 0) {
          after.set('cursor', to.at(-1)!)
          after.set('page', String(to.length + 1))
        }
        return after
      },
      { replace },
    )
  }
  const query = useQuery({
    queryKey: [...queryKey, cursor ?? null],
    queryFn: () => fetchPage({ limit, ...(cursor === undefined ? {} : { cursor }) }),
    placeholderData: keepPreviousData,
    enabled: options.enabled ?? true,
    refetchInterval: ({ state }) => options.lookAgain?.(state.data?.data ?? []) ?? false,
  })
  const next = query.data?.next_cursor
  const emptied = cursors.length > 0 && query.data?.data.length === 0 && !query.isPlaceholderData
  const leave = emptied && !query.isFetching
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each page that is empty
  useEffect(() => {
    if (leave) setCursors(cursors.slice(0, -1), true)
  }, [leave, cursor])
  // An address can name a page that there is not.
  const unknown = options.inAddress === true && asked !== undefined && isProblem(query.error, 'invalid_request')
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each page that is unknown
  useEffect(() => {
    if (unknown) setCursors([], true)
  }, [unknown, cursor])
  const rows = emptied ? undefined : query.data?.data
  const from = cursors.length * limit
  return {
    ...query,
    rows,
    number: cursors.length + 1,
    range:
      query.data?.total !== undefined && rows && rows.length > 0 ? { from: from + 1, to: from + rows.length, total: Math.max(query.data.total, from + rows.length) } : undefined,
    previous: cursors.length > 0 ? () => setCursors(cursors.slice(0, -1)) : undefined,
    next: next && !query.isPlaceholderData ? () => setCursors([...cursors, next]) : undefined,
  }
}

// pageOf is the number of a page in an address: at least the second.
function pageOf(query: URLSearchParams): number {
  return Math.min(10_000, Math.max(2, Math.trunc(Number(query.get('page'))) || 2))
}

interface Pageable {
  number: number
  range?: { from: number; to: number; total: number } | undefined
  previous: (() => void) | undefined
  next: (() => void) | undefined
  isPlaceholderData?: boolean
}

// Pages goes from page to page. Where there is one only, it says at most how much
// there is.
export function Pages({ list }: { list: Pageable }) {
  const t = useT()
  const { number, range, previous, next } = list
  const where = range ? t('list.range', range) : t('list.page', { number })
  if (!previous && !next && !list.isPlaceholderData) {
    return range && range.total > 5 ? (
      <Text size="sm" className="muted number" ta="center">
        {where}
      </Text>
    ) : null
  }
  return (
    <Group component="nav" justify="center" aria-label={t('list.page', { number })}>
      <Button variant="default" size="xs" disabled={!previous} onClick={previous} aria-label={t('list.previous')}>
        ←
      </Button>
      <Text size="sm" className="muted number" aria-live="polite">
        {where}
      </Text>
      <Button variant="default" size="xs" disabled={!next} onClick={next} aria-label={t('list.next')}>
        →
      </Button>
    </Group>
  )
}

// useInAddress keeps what a list is filtered by in the address, so that it can be
// shared, and the way back finds it again. What has its usual value is left out. The
// router follows when it has time: until then what was typed is kept here, for a field
// that shows an old value loses keys, and its caret.
export function useInAddress<T extends Record<string, string>>(usual: T): [T, (next: T) => void] {
  const [query, setQuery] = useSearchParams()
  const [typed, setTyped] = useState<{ at: URLSearchParams; next: T }>()
  const read = Object.fromEntries(Object.entries(usual).map(([name, value]) => [name, query.get(name) ?? value])) as T
  const now = typed?.at === query ? typed.next : read
  const set = (next: T) => {
    setTyped({ at: query, next })
    setQuery(
      (before) => {
        const after = new URLSearchParams(before)
        // Another filter begins at the first page.
        after.delete('cursor')
        after.delete('page')
        for (const [name, value] of Object.entries(next)) {
          if (value === usual[name]) after.delete(name)
          else after.set(name, value)
        }
        return after
      },
      { replace: true },
    )
  }
  return [now, set]
}
