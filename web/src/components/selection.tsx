import { Button, Checkbox } from '@mantine/core'
import { type ReactNode, useState } from 'react'
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

// SelectAll picks all rows of the page.
export function SelectAll<T>({ of: { selected, rows, pick } }: { of: Selection<T> }) {
  const t = useT()
  return (
    <Checkbox
      size="sm"
      label={t('list.selectAll')}
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

// SelectGroup picks some rows that belong together.
export function SelectGroup<T>({ of, rows, label }: { of: Selection<T>; rows: T[]; label: string }) {
  const picked = rows.filter(of.has).length
  return (
    <Checkbox
      size="sm"
      aria-label={label}
      disabled={rows.length === 0}
      checked={rows.length > 0 && picked === rows.length}
      indeterminate={picked > 0 && picked < rows.length}
      onChange={(event) => of.pick(rows, event.currentTarget.checked)}
    />
  )
}

// SelectionBar stays in sight while rows are picked, with what can be done with them.
export function SelectionBar<T>({ of, children }: { of: Selection<T>; children: ReactNode }) {
  const t = useT()
  return (
    <section className="selection-bar" aria-label={t('list.selected', { count: of.selected.length })} hidden={of.selected.length === 0}>
      <strong className="number">{t('list.selected', { count: of.selected.length })}</strong>
      <Button variant="subtle" size="xs" onClick={of.clear}>
        {t('list.clear')}
      </Button>
      <span style={{ flex: 1 }} />
      {children}
    </section>
  )
}
