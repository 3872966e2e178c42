import type { Identity } from '../../api/types'
import { providerName } from '../../auth/providers'
import type { Translate } from '../../i18n/translate'
import { shortAddress } from '../../wallet/types'

// wayName tells one way in from the others in a sentence.
export function wayName(t: Translate, identity: Identity): string {
  const which = identity.label || (identity.wallet ? shortAddress(identity.wallet.address) : identity.email)
  const name = providerName(t, identity.provider)
  return which ? `${name} (${which})` : name
}

// whyNotUnlink is the reason why a way in has to stay, if there is one: the last
// by which this service lets the person in. It only spares a click; the service
// decides.
export function whyNotUnlink(identity: Identity, all: Identity[], offered: ReadonlySet<string>): 'ways.only' | 'ways.onlyUsable' | undefined {
  if (all.length === 1) return 'ways.only'
  const usable = all.filter((one) => offered.has(one.provider))
  return usable.length === 1 && usable[0]!.id === identity.id ? 'ways.onlyUsable' : undefined
}
