import type { Chain, Email, Identity, Provider, Session } from '../../api/types'
import { providerName } from '../../auth/providers'
import type { Translate } from '../../i18n/translate'
import { shortAddress } from '../../wallet/types'
import '../../i18n/en/later/account'

// identityName names a sign-in method in a sentence, distinct from the others.
export function identityName(t: Translate, identity: Identity): string {
  const which = identity.label || shortAddress((identity.wallet ?? identity.solana)?.address ?? '') || identity.email
  const name = providerName(t, identity.provider)
  return which ? `${name} (${which})` : name
}

// otherChains are the chains on which the contract wallet of an identity can be added too:
// at the same address there it is another identity.
export function otherChains(identity: Identity, all: Identity[], chains: Provider['chains']): Chain[] {
  const { wallet } = identity
  if (wallet?.kind !== 'contract') return []
  const taken = all.flatMap((one) => (one.wallet?.kind === 'contract' && one.wallet.address === wallet.address ? one.wallet.chain_id : []))
  return chains?.filter(({ id, contracts }) => contracts && !taken.includes(id)) ?? []
}

// whyNotUnlink is why a sign-in method cannot be unlinked, if so: it is the last
// usable one. It only saves a click; the service decides.
export function whyNotUnlink(identity: Identity, all: Identity[], offered: ReadonlySet<string>): 'methods.only' | 'methods.onlyUsable' | undefined {
  if (all.length === 1) return 'methods.only'
  const usable = all.filter((one) => offered.has(one.provider))
  return usable.length === 1 && usable[0]!.id === identity.id ? 'methods.onlyUsable' : undefined
}

// endsThisSession is what unlinking an identity does to the current session: the
// first of its methods created it, the others were links and step-ups. Of two
// identities of one provider it is unknown which it was.
export function endsThisSession(session: Pick<Session, 'methods'>, identity: Identity, all: Identity[]): 'methods.unlinkThisSession' | 'methods.unlinkMaybe' | undefined {
  if (session.methods[0] !== identity.provider) return undefined
  return all.filter((one) => one.provider === identity.provider).length === 1 ? 'methods.unlinkThisSession' : 'methods.unlinkMaybe'
}

// leavesWith lists the addresses that leave the account with a sign-in method, because
// nothing else vouches for them.
export function leavesWith(identity: Identity, emails: Email[]): string[] {
  return emails.filter((email) => email.only_by === identity.id).map((email) => email.address)
}

// unconfirmed lists the addresses that sign-in methods show and nothing vouches for, each
// with the first provider that shows it.
export function unconfirmed(ways: Identity[], emails: Pick<Email, 'address'>[]): { address: string; provider: string }[] {
  const verified = new Set(emails.map(({ address }) => address))
  const found = new Map<string, string>()
  for (const { email, provider } of ways) if (email && !verified.has(email) && !found.has(email)) found.set(email, provider)
  return [...found].map(([address, provider]) => ({ address, provider }))
}

// lastProved is the identity of a provider that was proven last, and whether that
// was the first time.
export function lastProved(ways: Identity[], provider: string): { identity: Identity; isNew: boolean } | undefined {
  const [identity] = ways.filter((one) => one.provider === provider).sort((a, b) => Date.parse(b.last_used_at) - Date.parse(a.last_used_at))
  return identity && { identity, isNew: identity.last_used_at === identity.created_at }
}
