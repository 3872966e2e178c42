import type { Page } from '../../api/queries'
import { providerName } from '../../auth/providers'
import { personName } from '../../components/show'
import type { Translate } from '../../i18n/translate'
import type { AnySession } from './components/ended'
import '../../i18n/en/later/sessions'

const perPage = 100

// cell is a value as RFC 4180 quotes it. What a spreadsheet would take for a formula
// gets an apostrophe in front: names and devices are written by strangers.
function cell(value: string): string {
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

// toCSV writes sessions as a table, with a line of the columns' names.
export function toCSV(t: Translate, sessions: AnySession[]): string {
  const head = [
    t('sessions.user'),
    t('sessions.email'),
    'user_id',
    t('sessions.state'),
    t('filters.device'),
    'IP',
    t('sessions.place'),
    t('sessions.ways'),
    t('sessions.entered'),
    t('sessions.lastSeen'),
  ]
  const lines = sessions.map((one) => [
    personName(t, one.user),
    one.user.primary_email ?? '',
    one.user.id,
    one.status,
    one.device,
    one.ip,
    one.place ?? '',
    one.methods.map((method) => providerName(t, method)).join(' '),
    one.created_at,
    one.last_seen_at,
  ])
  return [head, ...lines].map((line) => `${line.map(cell).join(',')}\r\n`).join('')
}

// saveCSV reads all pages of a list and saves them as a file.
export async function saveCSV(t: Translate, fetchPage: (page: { limit: number; cursor?: string }) => Promise<Page<AnySession>>): Promise<void> {
  const rows: AnySession[] = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page: Page<AnySession> = await fetchPage({ limit: perPage, ...(cursor ? { cursor } : {}) })
    rows.push(...page.data)
    cursor = page.next_cursor
  }
  const address = URL.createObjectURL(new Blob(['\ufeff', toCSV(t, rows)], { type: 'text/csv' }))
  const link = Object.assign(document.createElement('a'), { href: address, download: 'sessions.csv' })
  link.click()
  URL.revokeObjectURL(address)
}
