import type { components } from '../../api/schema.gen'

// seriesOf names the providers of some days, the most frequent first.
export function seriesOf(days: components['schemas']['AdminOverview']['sign_ins']['days']): string[] {
  const all = new Map<string, number>()
  for (const { providers } of days) for (const { provider, count } of providers) all.set(provider, (all.get(provider) ?? 0) + count)
  return [...all].sort(([a, x], [b, y]) => y - x || a.localeCompare(b)).map(([name]) => name)
}
