import { expect, it } from 'vitest'
import { en } from '../../i18n/en'
import { translator } from '../../i18n/translate'
import { refusedWhy } from './refused'

it('says which rule a session does not satisfy', () => {
  const t = translator(en, 'en')
  const why = (rule: string, missing?: string[]) => refusedWhy(t, { team_id: '1', rule, detail: '', ...(missing ? { missing } : {}) })
  expect(why('required_providers', ['siwe', 'google'])).toBe('not verified with Ethereum wallet, Google')
  expect(why('max_age')).toBe('signed in too long ago')
  expect(why('constructor')).toBe(why('unreadable'))
})
