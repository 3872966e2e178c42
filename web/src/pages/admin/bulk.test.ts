import { expect, it } from 'vitest'
import { Problem } from '../../api/problem'
import type { MergePreview } from '../../api/types'
import { bulkOf } from './bulk'

const shown = (gains: unknown[]) => ({ gains, moves: { identities: [1, 2], teams: [1], sessions_ended: 3 } }) as unknown as MergePreview

it('adds up what is merged, and leaves out what is refused', async () => {
  const bulk = await bulkOf([['a', 'b'], ['c', 'd'], ['e', 'f']], ([one]) => {
    if (one === 'c') return Promise.reject(new Problem({ code: 'merge_refused', status: 409 }))
    return Promise.resolve(shown(one === 'a' ? [{ kind: 'operator' }] : []))
  })
  expect(bulk).toMatchObject({ refused: 1, gaining: 1, ways: 4, teams: 2, sessions: 6 })
  expect(bulk.previews).toHaveLength(2)
})

it('does not take an outage for a refusal', async () => {
  await expect(bulkOf([['a', 'b']], () => Promise.reject(new Problem({ code: 'unavailable', status: 503 })))).rejects.toThrow()
})
