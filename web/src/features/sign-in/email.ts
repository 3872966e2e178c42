import { isProblem } from '../../api/problem'
import { wordsForError } from '../../auth/words'
import type { Translate, Words } from '../../i18n/translate'

// tokenIn reads the token of a mailed link. It is in the fragment, so that no
// server and no Referer ever sees it.
export function tokenIn(hash: string): string | undefined {
  const token = new URLSearchParams(hash.replace(/^#/, '')).get('email_token')
  return token && token.length <= 128 ? token : undefined
}

// codeIn takes the digits out of what was typed or pasted, where mail programs
// like to leave spaces.
export function codeIn(typed: string): string {
  return typed.replace(/\D/g, '').slice(0, 6)
}

// mayWorkLater reports whether a link or a code was not even looked at.
export function mayWorkLater(error: unknown): boolean {
  return isProblem(error) && (error.status === 0 || error.status === 429 || error.status >= 500)
}

const stale = ['invalid_state', 'invalid_proof', 'proof_used']

// wordsForMail speaks for a link or a code that did not work. Both work only
// in the browser that asked for the mail: the commonest reason is another one.
export function wordsForMail(t: Translate, kind: 'link' | 'code', error: unknown): Words | undefined {
  if (stale.some((code) => isProblem(error, code))) return t.words[`${kind}_stale`]
  return wordsForError(t, error)
}
