import { isProblem } from '../api/problem'
import { type Words, wordsForError } from './words'

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

const stale = ['invalid_state', 'invalid_proof', 'proof_used']

// wordsForLink speaks for a link that did not work. The code in the same mail
// works in any browser, which is the help for the commonest reason.
export function wordsForLink(error: unknown): Words | undefined {
  if (stale.some((code) => isProblem(error, code))) {
    return {
      title: 'This link does not work here',
      text: 'It was used already, has expired, or was asked for in another browser. If the mail is new, type its code below; otherwise ask for a new mail.',
    }
  }
  return wordsForError(error)
}

// wordsForMailCode: the same for a code.
export function wordsForMailCode(error: unknown): Words | undefined {
  if (stale.some((code) => isProblem(error, code))) {
    return {
      title: 'That code does not work',
      text: 'Check the six digits. A code works once, for a short time and for a few attempts; if it is the right one, ask for a new mail.',
    }
  }
  return wordsForError(error)
}
