// biome-ignore-all lint/a11y/noRedundantRoles: written out for browsers that drop them, see Table
import type { ReactNode } from 'react'

export interface Column<T> {
  label: string
  cell: (row: T) => ReactNode
  /** A button that speaks for itself, and needs no label beside it on a phone. */
  action?: boolean
}

// Table is a table that becomes cards on a phone. The roles are written out
// because a browser drops them from a table whose display is changed.
export function Table<T>(props: { label: string; columns: Column<T>[]; rows: T[]; rowKey: (row: T) => string }) {
  return (
    <table className="table" role="table" aria-label={props.label}>
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
          <tr key={props.rowKey(row)} role="row">
            {props.columns.map((column) => (
              <td key={column.label} role="cell" data-label={column.label} className={column.action ? 'action' : undefined}>
                <div style={{ minWidth: 0 }}>{column.cell(row)}</div>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
