import { isProblem } from '../../api/problem'
import type { Duplicate, MergePreview } from '../../api/types'

// Bulk is what merging several pairs would do, all in all.
export interface Bulk {
  previews: MergePreview[]
  /** Pairs that the service does not merge. */
  refused: number
  /** Pairs in which whoever stays gets more rights. */
  gaining: number
  ways: number
  teams: number
  sessions: number
}

export function pairKey(pair: Duplicate): string {
  return pair.users.map((user) => user.id).join(' ')
}

// bulkOf looks at each pair. A refusal of one leaves it out; any other error is
// one of all.
export async function bulkOf(pairs: [string, string][], preview: (ids: [string, string]) => Promise<MergePreview>): Promise<Bulk> {
  const out: Bulk = { previews: [], refused: 0, gaining: 0, ways: 0, teams: 0, sessions: 0 }
  for (const ids of pairs) {
    let shown
    try {
      shown = await preview(ids)
    } catch (error) {
      if (!isProblem(error, 'merge_refused') && !isProblem(error, 'not_found')) throw error
      out.refused++
      continue
    }
    out.previews.push(shown)
    if (shown.gains.length > 0) out.gaining++
    out.ways += shown.moves.identities.length
    out.teams += shown.moves.teams.length
    out.sessions += shown.moves.sessions_ended
  }
  return out
}
