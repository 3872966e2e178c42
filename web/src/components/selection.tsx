import { Checkbox } from '@mantine/core'
import { useState } from 'react'
import { useT } from '../i18n/language'

export interface Selection<T> {
  /** Of the rows that are shown. */
  selected: T[]
  rows: T[]
  has: (row: T) => boolean
  pick: (rows: T[], on: boolean) => void
  clear: () => void
}

// useSelection keeps which rows are picked. What has gone meanwhile, or is on
// another page, is not selected any more.
export function useSelection<T>(rows: T[], keyOf: (row: T) => string): Selection<T> {
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set())
  const has = (row: T) => picked.has(keyOf(row))
  const pick = (some: T[], on: boolean) => {
    const next = new Set(picked)
    for (const row of some) {
      if (on) next.add(keyOf(row))
      else next.delete(keyOf(row))
    }
    setPicked(next)
  }
  return { selected: rows.filter(has), rows, has, pick, clear: () => setPicked(new Set()) }
}

// SelectAll picks all rows of the page, and says how many are.
export function SelectAll<T>({ of: { selected, rows, pick } }: { of: Selection<T> }) {
  const t = useT()
  return (
    <Checkbox
      size="sm"
      label={selected.length > 0 ? t('list.selected', { count: selected.length }) : t('list.selectAll')}
      disabled={rows.length === 0}
      checked={rows.length > 0 && selected.length === rows.length}
      indeterminate={selected.length > 0 && selected.length < rows.length}
      onChange={(event) => pick(rows, event.currentTarget.checked)}
    />
  )
}

// Select picks one row.
export function Select<T>({ of, row, label }: { of: Selection<T>; row: T; label: string }) {
  return <Checkbox size="sm" checked={of.has(row)} aria-label={label} onChange={(event) => of.pick([row], event.currentTarget.checked)} />
}
