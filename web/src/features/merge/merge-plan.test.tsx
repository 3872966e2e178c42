import { MantineProvider } from '@mantine/core'
import { renderToStaticMarkup } from 'react-dom/server'
import { expect, it } from 'vitest'
import type { MergePreview } from '../../api/types'
import { Moves } from './components/merge-plan'

const plan = (moves: Partial<MergePreview['moves']>) =>
  renderToStaticMarkup(
    <MantineProvider>
      <Moves preview={{ moves: { identities: [], emails: [], teams: [], sessions_ended: 0, invitations: 0, ...moves } } as unknown as MergePreview} />
    </MantineProvider>,
  )

const marks = (html: string) => html.split('>Moves<').length - 1

it('marks what moves, before it has, and nothing that ends or stays', () => {
  expect(marks(plan({ emails: ['a@b.example', 'c@d.example'] }))).toBe(2)
  const team = { team_id: '1', team_name: 'Lamps', role: 'owner' as const, current_role: null, becomes: 'owner' as const }
  expect(marks(plan({ teams: [team] }))).toBe(1)
  expect(marks(plan({ teams: [{ ...team, current_role: 'member' as const }] }))).toBe(0)
  const plain = plan({ sessions_ended: 2, invitations: 3 })
  expect(plain).toContain('2 sessions of the other account end.')
  expect(plain).toContain('3 invitations it sent stay valid.')
  expect(marks(plain)).toBe(0)
})
