import type { LatchkeyEvent } from '@latchkey/server'

export interface Report {
  id: string
  author: string
  team: string | undefined
  title: string
}

interface Team {
  name: string
  members: Map<string, string>
}

// What a database would keep. Next.js loads pages and route handlers as bundles of their
// own, which share it here.
const store = ((globalThis as { chainview?: Store }).chainview ??= { teams: new Map(), reports: new Map(), seen: new Set() })

interface Store {
  teams: Map<string, Team>
  reports: Map<string, Report>
  seen: Set<string>
}

// Rows belong to a user by the canonical id, and to a team by its id.
export const reports = {
  of: (user: string, team: string | undefined) => [...store.reports.values()].filter((report) => (team ? report.team === team : report.author === user && !report.team)),
  add: (report: Omit<Report, 'id'>) => void store.reports.set(crypto.randomUUID(), { ...report, id: crypto.randomUUID() }),
  delete: (team: string, id: string) => {
    for (const [key, report] of store.reports) if (report.id === id && report.team === team) store.reports.delete(key)
  },
}

export const teamsOf = (user: string) => [...store.teams].filter(([, { members }]) => members.has(user)).map(([id, { name }]) => ({ id, name }))

// apply takes an event of Latchkey's feed, once: deliveries are repeated, in any order.
export function apply(event: LatchkeyEvent): void {
  if (store.seen.has(event.id)) return
  store.seen.add(event.id)
  const data = event.data as Record<string, string>
  const team = () => {
    const id = data.team_id!
    if (!store.teams.has(id)) store.teams.set(id, { name: id, members: new Map() })
    return store.teams.get(id)!
  }
  switch (event.type) {
    case 'team.created':
    case 'team.updated':
      if (data.name) team().name = data.name
      if (event.type === 'team.created' && data.actor_id) team().members.set(data.actor_id, 'owner')
      break
    case 'team.deleted':
      store.teams.delete(data.team_id!)
      break
    case 'member.added':
    case 'member.role_changed':
      team().members.set(data.user_id!, data.role!)
      break
    case 'member.removed':
      team().members.delete(data.user_id!)
      break
    case 'user.merged':
      for (const report of store.reports.values()) if (report.author === data.from) report.author = data.into!
      break
  }
}
