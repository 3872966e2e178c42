import type { MyEvent } from '../../api/types'
import { providerName } from '../../auth/providers'
import { en } from '../../i18n/en'
import type { Key, Translate } from '../../i18n/translate'
import '../../i18n/en/later/history'

// what says an event in words. An action that this version of the app does not
// know is named, for there is nothing better; one whose provider is not known, or
// not meant, has words of its own.
export function what(t: Translate, event: Pick<MyEvent, 'action' | 'provider' | 'application'>): string {
  if (!Object.hasOwn(en.messages.history, event.action) || !event.action.includes('.')) return t('history.unknown', { action: event.action })
  const say = t as unknown as (key: Key, values: { provider: string; application: string }) => string
  const ofAny = `any_${event.action.replace('.', '_')}`
  const name = !event.provider && !event.application && Object.hasOwn(en.messages.history, ofAny) ? ofAny : event.action
  return say(`history.${name}` as Key, { provider: event.provider ? providerName(t, event.provider) : '', application: event.application ?? '' })
}
