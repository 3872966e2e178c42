import { isProblem, Problem } from '../../api/problem'
import type { Duplicate, MergePreview } from '../../api/types'

type Pair = [older: string, younger: string]

// Bulk is what merging several pairs would do, all in all. Pairs that share an
// account are of one person: each other account goes into the oldest, once.
export interface Bulk {
  previews: MergePreview[]
  /** Accounts that the service does not merge. */
  refused: number
  /** Accounts whose merge gives the survivor more rights. */
  gaining: number
  ways: number
  teams: number
  sessions: number
}

export function pairKey(pair: Duplicate): string {
  return pair.users.map((user) => user.id).join(' ')
}

// groupsOf are the accounts that pairs hold together.
function groupsOf(pairs: Pair[]): string[][] {
  let groups: string[][] = []
  for (const pair of pairs) {
    const joined = groups.filter((group) => pair.some((id) => group.includes(id)))
    groups = [...groups.filter((group) => !joined.includes(group)), [...new Set([...joined.flat(), ...pair])]]
  }
  return groups
}

// bulkOf looks at each account that would go. A refusal of one leaves it out; any
// other error is one of all.
export async function bulkOf(pairs: Pair[], preview: (ids: Pair, survivor?: string) => Promise<MergePreview>): Promise<Bulk> {
  const out: Bulk = { previews: [], refused: 0, gaining: 0, ways: 0, teams: 0, sessions: 0 }
  const look = async (ids: Pair, survivor?: string) => {
    try {
      return await preview(ids, survivor)
    } catch (error) {
      if (!isProblem(error, 'merge_refused') && !isProblem(error, 'operator_merge') && !isProblem(error, 'not_found')) throw error
      return undefined
    }
  }
  const younger = new Set(pairs.map((pair) => pair[1]))
  for (const group of groupsOf(pairs)) {
    // Usually one: the service is asked about those that no pair calls the younger.
    const [first, ...others] = group.filter((id) => !younger.has(id))
    let oldest = first!
    for (const other of others) oldest = (await look([oldest, other]))?.survivor.id ?? oldest
    const teams = new Set<string>()
    for (const other of group.filter((id) => id !== oldest)) {
      const shown = await look([oldest, other], oldest)
      if (!shown) {
        out.refused++
        continue
      }
      out.previews.push(shown)
      if (shown.gains.length > 0) out.gaining++
      out.ways += shown.moves.identities.length
      out.sessions += shown.moves.sessions_ended
      for (const { team_id } of shown.moves.teams) teams.add(team_id)
    }
    out.teams += teams.size
  }
  return out
}

const rights = (preview: MergePreview) => preview.gains.map(({ kind, team_id, role }) => (kind === 'operator' ? kind : `${role} ${team_id}`))

// stillAs returns the current preview of a merge after an earlier one changed the
// survivor: it must do no more than was shown.
export async function stillAs(shown: MergePreview, preview: (ids: Pair, survivor?: string) => Promise<MergePreview>): Promise<MergePreview> {
  const now = await preview([shown.survivor.id, shown.source.id], shown.survivor.id)
  const what = ({ moves }: MergePreview) =>
    JSON.stringify([moves.identities.map(({ id }) => id), moves.emails, moves.teams.map(({ team_id }) => team_id)].map((of) => [...of].sort()))
  const seen = rights(shown)
  if (what(now) !== what(shown) || !rights(now).every((right) => seen.includes(right))) throw new Problem({ code: 'merge_changed', status: 409 })
  return now
}
