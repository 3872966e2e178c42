import { expect, it } from 'vitest'
import { Problem } from '../../api/problem'
import type { MergePreview } from '../../api/types'
import { bulkOf, stillAs } from './bulk'

const gain = { kind: 'membership', team_id: 't', role: 'admin' }

// shown is the merge of an account into another; each has its own identity.
const shown = ([one, other]: [string, string], survivor = one < other ? one : other, gains: unknown[] = []) => {
  const source = survivor === one ? other : one
  const moves = { identities: [{ id: source }], emails: [], teams: [{ team_id: 't' }], sessions_ended: 3 }
  return { survivor: { id: survivor }, source: { id: source }, gains, moves } as unknown as MergePreview
}

it('adds up what is merged, and leaves out what is refused', async () => {
  const bulk = await bulkOf(
    [
      ['a', 'b'],
      ['c', 'd'],
      ['e', 'f'],
    ],
    (ids) => {
      if (ids[0] === 'c') return Promise.reject(new Problem({ code: 'merge_refused', status: 409 }))
      return Promise.resolve(shown(ids, ids[0], ids[0] === 'a' ? [{ kind: 'operator' }] : []))
    },
  )
  expect(bulk).toMatchObject({ refused: 1, gaining: 1, ways: 2, teams: 2, sessions: 6 })
  expect(bulk.previews).toHaveLength(2)
})

it('merges each account of one person once, into the oldest', async () => {
  const into = async (pairs: [string, string][]) => {
    const bulk = await bulkOf(pairs, (ids, survivor) => Promise.resolve(shown(ids, survivor)))
    expect([bulk.ways, bulk.teams, bulk.sessions]).toEqual([2, 1, 6])
    return bulk.previews.map(({ source, survivor }) => `${source.id} ${survivor.id}`).sort()
  }
  expect(
    await into([
      ['a', 'b'],
      ['a', 'c'],
      ['b', 'c'],
      ['a', 'c'],
    ]),
  ).toEqual(['b a', 'c a'])
  // Nothing says which of the two is older.
  expect(
    await into([
      ['b', 'c'],
      ['a', 'c'],
    ]),
  ).toEqual(['b a', 'c a'])
})

it('does not take an outage for a refusal', async () => {
  await expect(bulkOf([['a', 'b']], () => Promise.reject(new Problem({ code: 'unavailable', status: 503 })))).rejects.toThrow()
})

it('goes on with no more than was shown when who stays has changed', async () => {
  const seen = shown(['a', 'c'], 'a', [gain])
  const now = (to: MergePreview) => stillAs(seen, () => Promise.resolve(to))
  for (const gains of [[], [{ ...gain, kind: 'role' }]]) expect((await now(shown(['a', 'c'], 'a', gains))).gains).toEqual(gains)
  await expect(now(shown(['a', 'c'], 'a', [{ ...gain, role: 'owner' }]))).rejects.toMatchObject({ code: 'merge_changed' })
  await expect(now(shown(['a', 'd'], 'a'))).rejects.toMatchObject({ code: 'merge_changed' })
})
