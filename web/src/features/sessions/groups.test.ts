import { expect, it } from 'vitest'
import type { AnySession } from './components/ended'
import { inGroups } from './groups'

const of = (...users: string[]) => users.map((id, i) => ({ id: String(i), user: { id } }) as AnySession)

it('puts several sessions of a person below one head, and a single one alone', () => {
  const rows = inGroups(of('a', 'b', 'b', 'c', 'c'), (user) => user === 'b')
  expect(rows.map((row) => (row.kind === 'person' ? `${row.sessions[0]!.user.id} ${row.sessions.length}` : `${row.session.id} ${row.ofGroup}`))).toEqual([
    '0 false',
    'b 2',
    '1 true',
    '2 true',
    'c 2',
  ])
  expect(inGroups([], () => true)).toEqual([])
})

it('keys groups by the person, so that a new session does not make another row, and tells several apart', () => {
  const keysOf = (...users: string[]) => inGroups(of(...users), () => false).flatMap((row) => (row.kind === 'person' ? [row.key] : []))
  expect(keysOf('b', 'b', 'c', 'c')).toEqual(['b 0', 'c 0'])
  expect(keysOf('b', 'b', 'b', 'c', 'c')).toEqual(['b 0', 'c 0'])
  expect(keysOf('b', 'b', 'a', 'b', 'b', 'c', 'c')).toEqual(['b 0', 'b 1', 'c 0'])
})
