import type { Hook } from '../../api/types'

// hookState is how a hook does, by what came of its requests last.
export function hookState({ origin, last_answered_at: answered, failures }: Hook): 'off' | 'unused' | 'failing' | 'working' {
  const failed = failures[0]?.at
  if (origin === null) return 'off'
  if (failed && (!answered || Date.parse(failed) > Date.parse(answered))) return 'failing'
  return answered ? 'working' : 'unused'
}
