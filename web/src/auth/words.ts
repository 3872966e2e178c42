import { isProblem, type Problem, UNEXPECTED } from '../api/problem'
import type { Translate, Words } from '../i18n/translate'
import { Declined, WalletFault } from '../wallet/types'
import { providerName } from './providers'

// What was being done, where a code needs other words than usual.
export type While = 'link' | 'name' | 'policy'

function known(t: Translate, code: string): Words | undefined {
  return Object.hasOwn(t.words, code) ? t.words[code] : undefined
}

// wordsForCode speaks for a code alone, as it comes back in an address. The code
// is anyone's to write there, so an unknown one is not repeated.
export function wordsForCode(t: Translate, code: string, purpose?: While): Words {
  return (purpose && known(t, `${code}_${purpose}`)) ?? known(t, code) ?? t.words['unknown']!
}

// These refusals name the obstacle, which no fixed text can.
const telling = new Set(['merge_moved_on', 'merge_refused', 'operator_merge', 'grant_refused', 'denied_by_app', 'invalid_request', 'origin_not_allowed'])

function more(t: Translate, problem: Problem): string {
  let text = ''
  if (problem.missing?.length) text += ` ${problem.missing.map((name) => providerName(t, name)).join(', ')}.`
  if (telling.has(problem.code)) text += ' ' + t('common.serviceSays', { detail: problem.message })
  if (problem.retryAfter !== undefined) text += ' ' + t('common.retryAfter', { count: problem.retryAfter })
  return text
}

// wordsForError speaks for whatever was thrown; undefined for a person who said
// no in the wallet, which needs no words.
export function wordsForError(t: Translate, error: unknown, purpose?: While): Words | undefined {
  if (error instanceof Declined) return undefined
  if (error instanceof WalletFault) return { title: t('walletFault.title'), text: t(`walletFault.${error.kind}`) }
  if (!isProblem(error)) return t.words[UNEXPECTED]
  const byRule = error.rule === undefined ? undefined : known(t, `${error.code}_${error.rule}`)
  // When setting a policy: what it would do to this person, and then what it requires.
  const own = purpose === 'policy' && error.rule !== 'require_fresh_for_admin' ? known(t, `${error.code}_policy`) : undefined
  if (own && byRule) return { title: own.title, text: `${own.text} ${byRule.text}${more(t, error)}` }
  if (known(t, error.code)) {
    const { title, text } = byRule ?? wordsForCode(t, error.code, purpose)
    return { title, text: text + more(t, error) }
  }
  const { title } = t.words['unknown']!
  return { title, text: t('common.serviceSays', { detail: error.message }) + more(t, error) }
}
