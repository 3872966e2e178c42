// biome-ignore-all lint/a11y/noRedundantRoles: written out for browsers that drop them, see Table
import type { ReactNode } from 'react'

export interface Column<T> {
  label: string
  cell: (row: T) => ReactNode
  /** A button that speaks for itself, and needs no label beside it on a phone. */
  action?: boolean
}

interface Props<T> {
  label: string
  columns: Column<T>[]
  rows: T[]
  rowKey: (row: T) => string
  /** Where there is little room, rows of a few lines instead of cards with labels. */
  compact?: boolean
  /** What the look of a row depends on. */
  rowMark?: (row: T) => { 'data-picked'?: true; 'data-of-group'?: true }
}

// Table is a table that becomes cards on a phone. The roles are written out
// because a browser drops them from a table whose display is changed.
export function Table<T>(props: Props<T>) {
  return (
    <div className="table-box">
      <table className={props.compact ? 'table compact' : 'table'} role="table" aria-label={props.label}>
        <thead role="rowgroup">
          <tr role="row">
            {props.columns.map((column) => (
              <th key={column.label} role="columnheader" scope="col">
                {column.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {props.rows.map((row) => (
            <tr key={props.rowKey(row)} role="row" {...props.rowMark?.(row)}>
              {props.columns.map((column) => (
                <td key={column.label} role="cell" data-label={column.label} className={column.action ? 'action' : undefined}>
                  <div style={{ minWidth: 0 }}>{column.cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
