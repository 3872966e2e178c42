import { expect, it } from 'vitest'
import type { Hook } from '../../api/types'
import { hookState } from './hook-state'

const hook = (of: Partial<Hook>): Hook => ({
  type: 'sign_in.before',
  origin: 'https://app.example.com',
  on_failure: 'deny',
  secret_fingerprints: [],
  requests: 0,
  failed: 0,
  last_answered_at: null,
  failures: [],
  ...of,
})
const failure = (at: string) => [{ at, error: 'the status is 500, not 200' }]

it('goes by the last request', () => {
  expect(hookState(hook({ origin: null, on_failure: '' }))).toBe('off')
  expect(hookState(hook({}))).toBe('unused')
  expect(hookState(hook({ last_answered_at: '2026-03-01T12:00:00Z' }))).toBe('working')
  expect(hookState(hook({ failures: failure('2026-03-01T12:00:00Z') }))).toBe('failing')
  // Fractions of a second are left out where they are zero, so texts do not compare.
  expect(hookState(hook({ last_answered_at: '2026-03-01T12:00:00Z', failures: failure('2026-03-01T12:00:00.5Z') }))).toBe('failing')
  expect(hookState(hook({ last_answered_at: '2026-03-01T12:00:00.5Z', failures: failure('2026-03-01T12:00:00Z') }))).toBe('working')
})
