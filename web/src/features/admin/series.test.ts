import { expect, it } from 'vitest'
import { seriesOf } from './series'

it('names providers by how often they are used', () => {
  const day = (counts: Record<string, number>) => ({ day: '2030-01-01', providers: Object.entries(counts).map(([provider, count]) => ({ provider, count })) })
  expect(seriesOf([day({ github: 2, google: 1 }), day({ google: 4, email: 2 })])).toEqual(['google', 'email', 'github'])
  expect(seriesOf([])).toEqual([])
})
