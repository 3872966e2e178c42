import { expect, test } from 'vitest'
import { createMatcher } from './matcher.js'

test.each<[string, string, boolean]>([
  ['/dashboard', '/dashboard', true],
  ['/dashboard', '/dashboard/', true],
  ['/dashboard', '/dashboards', false],
  ['/dashboard', '/x/dashboard', false],
  ['/dashboard(.*)', '/dashboard/a/b', true],
  ['/dashboard(.*)', '/', false],
  ['/team/:id', '/team/7', true],
  ['/team/:id', '/team/7/members', false],
  ['/team/:path*', '/team/7/members', true],
  ['/a.b', '/aXb', false],
  ['/(de|en)/account', '/de/account', true],
  // The page is found by the decoded path.
  ['/dashboard', '/%64ashboard', true],
  ['/dashboard', '/%2564ashboard', true],
  ['/dashboard(.*)', '//dashboard', true],
  ['/dashboard(.*)', '/x/../dashboard/y', true],
])('%s and %s: %s', (pattern, path, want) => {
  expect(createMatcher([pattern])(path)).toBe(want)
  expect(createMatcher(['/other', pattern])({ url: `https://app.example.com${path}?x=1` })).toBe(want)
})

test('takes regular expressions', () => {
  expect(createMatcher([/^\/x\d$/])('/x1')).toBe(true)
  const sticky = createMatcher([/^\/admin/g, /^\/team/y])
  for (const path of ['/admin', '/admin', '/team', '/team']) expect(sticky(path)).toBe(true)
})
