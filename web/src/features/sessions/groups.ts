import type { AnySession } from './components/ended'

// A row of the list: one session, or the head of several of one person.
export type Row = { kind: 'session'; session: AnySession; ofGroup: boolean } | { kind: 'person'; key: string; sessions: AnySession[]; open: boolean }

// inGroups puts the sessions of a person below a head of their own, where there are
// several next to each other. Those of closed groups are left out. Rows in another
// order, which are shown until those by person have come, can have several groups of
// one person: each has a key of its own.
export function inGroups(sessions: AnySession[], isOpen: (user: string) => boolean): Row[] {
  const rows: Row[] = []
  const groups = new Map<string, number>()
  for (let i = 0; i < sessions.length; ) {
    const user = sessions[i]!.user.id
    let end = i + 1
    while (sessions[end]?.user.id === user) end++
    const theirs = sessions.slice(i, end)
    i = end
    if (theirs.length === 1) {
      rows.push({ kind: 'session', session: theirs[0]!, ofGroup: false })
      continue
    }
    const open = isOpen(user)
    const before = groups.get(user) ?? 0
    groups.set(user, before + 1)
    rows.push({ kind: 'person', key: `${user} ${before}`, sessions: theirs, open })
    if (open) rows.push(...theirs.map((session) => ({ kind: 'session' as const, session, ofGroup: true })))
  }
  return rows
}
