import type { Key, Translate } from '../../i18n/translate'
import '../../i18n/en/later/apps'

const known = ['openid', 'profile', 'email', 'wallets', 'offline_access'] as const

// scopeWords say what an application can do. What a resource means by its scopes, only
// it knows: they are named.
export function scopeWords(t: Translate, scope: string): string {
  const one = known.find((name) => name === scope)
  return one ? (t as (key: Key) => string)(`consent.scope_${one}`) : t('consent.scope_other', { scope })
}
