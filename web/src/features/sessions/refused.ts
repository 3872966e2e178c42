import type { components } from '../../api/schema.gen'
import { providerName } from '../../auth/providers'
import type { Translate } from '../../i18n/translate'
import '../../i18n/en/later/sessions'

const rules = {
  max_age: 'sessions.refused_max_age',
  idle: 'sessions.refused_idle',
  required_providers: 'sessions.refused_required_providers',
  any_of: 'sessions.refused_any_of',
  allowed_networks: 'sessions.refused_allowed_networks',
} as const

// refusedWhy says in a few words which rule of the team's policy a session does not
// satisfy.
export function refusedWhy(t: Translate, { rule, missing }: components['schemas']['TeamRefusal']): string {
  if (!Object.hasOwn(rules, rule)) return t('sessions.refused_other')
  return t(rules[rule as keyof typeof rules], { providers: (missing ?? []).map((name) => providerName(t, name)).join(', ') })
}
