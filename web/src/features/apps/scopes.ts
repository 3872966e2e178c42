import type { Key, Translate } from '../../i18n/translate'
import '../../i18n/en/later/apps'

const known = ['openid', 'profile', 'email', 'wallets', 'offline_access'] as const

// scopesWords say what an application can do, which is never nothing. What a resource
// means by its scopes, only it knows: they are named.
export function scopesWords(t: Translate, scopes: string[]): string[] {
  if (scopes.length === 0) return [t('consent.scope_none')]
  return scopes.map((scope) => {
    const one = known.find((name) => name === scope)
    return one ? (t as (key: Key) => string)(`consent.scope_${one}`) : t('consent.scope_other', { scope })
  })
}
