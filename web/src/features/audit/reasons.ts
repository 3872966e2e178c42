import { en } from '../../i18n/en'
import type { Key, Translate } from '../../i18n/translate'
import '../../i18n/en/later/audit'

// Hints are sentences from the import.
const hints: Record<string, Key> = {
  'shows an address that the other has verified': 'reasons.hint_shown',
  'the same address, which one of them has by the choice of trust at the import': 'reasons.hint_trusted',
  'the same address, not verified': 'reasons.hint_unverified',
  'the same name, and pictures at the same place': 'reasons.hint_picture',
}

const sharedAccount = /^both have the same (\S+) account in (.+), where they are the users (".*") and (".*")$/

// reasonWords says why in words. What is no reason of the service's, such as what
// an operator wrote, stays as it is.
export function reasonWords(t: Translate, reason: string): string {
  const say = t as (key: Key) => string
  if (Object.hasOwn(hints, reason)) return say(hints[reason]!)
  if (/^one user of \S+ has identities of both$/.test(reason)) return say('reasons.hint_source')
  const [, provider, source, one, other] = sharedAccount.exec(reason) ?? []
  if (provider && source && one && other) return t('reasons.hint_account', { provider, source, one, other })
  return Object.hasOwn(en.messages.reasons, reason) ? say(`reasons.${reason}` as Key) : reason
}
