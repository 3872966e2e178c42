import { expect, test } from 'vitest'
import { returnPath } from './return-to.js'

const origin = 'https://app.example.com'
const of = (raw: string | null | undefined) => returnPath(raw, origin, '/api/auth', '/fallback')

test.each([
  ['/dashboard?tab=1#top', '/dashboard?tab=1#top'],
  ['/', '/'],
  ['https://app.example.com/x?y', '/x?y'],
  ['https://app.example.com', '/'],
  ['/a/../b', '/b'],
  ['/@evil.example', '/@evil.example'],
  ['/%2F/evil.example', '/%2F/evil.example'],
  ['/api/authors', '/api/authors'],
])('%s leads to %s', (raw, want) => {
  expect(of(raw)).toBe(want)
})

test.each([
  '',
  null,
  undefined,
  'dashboard',
  '//evil.example',
  '///evil.example',
  '/\\evil.example',
  '\\/evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '\t//evil.example',
  ' //evil.example',
  '/..//evil.example',
  '/.//evil.example',
  '/a/..//evil.example',
  'https://evil.example/',
  'https:evil.example',
  'https:/evil.example',
  'HTTPS://app.example.com/',
  'http://app.example.com/',
  'https://app.example.com.evil.example/',
  'https://app.example.com@evil.example/',
  'https://app.example.com:444/',
  'https://user:pass@app.example.com/',
  'javascript:alert(1)',
  'data:text/html,x',
  'mailto:a@b.example',
  '/api/auth',
  '/api/auth/signout',
  '/api/auth/../auth/signin',
  `/${'a'.repeat(3000)}`,
])('%j leads nowhere else', (raw) => {
  expect(of(raw)).toBe('/fallback')
})
