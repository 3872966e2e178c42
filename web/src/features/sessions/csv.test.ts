import { expect, it } from 'vitest'
import { en } from '../../i18n/en'
import { translator } from '../../i18n/translate'
import type { AnySession } from './components/ended'
import { toCSV } from './csv'

it('quotes what strangers wrote, and lets no spreadsheet run it', () => {
  const session = {
    user: { id: 'u1', display_name: '=HYPERLINK("https://evil.example")', primary_email: 'a,b@c.example' },
    status: 'active',
    device: 'Firefox, "new"',
    ip: '192.0.2.1',
    methods: ['google', 'siwe'],
    created_at: '2030-01-01T00:00:00Z',
    last_seen_at: '2030-01-02T00:00:00Z',
  } as AnySession
  const [head, line, end] = toCSV(translator(en, 'en'), [session]).split('\r\n')
  expect(head).toBe('User,Email,user_id,Status,Device,IP,Place,Sign-in methods,Started,Last active')
  expect(line).toBe(
    `"'=HYPERLINK(""https://evil.example"")","a,b@c.example",u1,active,"Firefox, ""new""",192.0.2.1,,Google Ethereum wallet,2030-01-01T00:00:00Z,2030-01-02T00:00:00Z`,
  )
  expect(end).toBe('')
})
