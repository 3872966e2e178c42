import { isAddress } from '../../wallet/types'

export type Invitee = { email: string } | { wallet: string }

export const mostInvitees = 100

// readInvitees reads what was typed or pasted, one on a line or between commas. Wrong is
// the first that is neither an address nor a wallet, and tooMany how many there are, if
// they are more than may be invited at once.
export function readInvitees(typed: string): { invitees: Invitee[]; wrong?: string; tooMany?: number } {
  const words = [...new Set(typed.split(/[\s,;]+/).map((word) => word.replace(/^<(.*)>$/, '$1')))].filter((word) => word !== '')
  if (words.length > mostInvitees) return { invitees: [], tooMany: words.length }
  const invitees: Invitee[] = []
  for (const word of words) {
    const invitee = readInvitee(word)
    if (!invitee) return { invitees: [], wrong: word }
    invitees.push(invitee)
  }
  return { invitees }
}

// readInvitee tells an e-mail address from a wallet by what was typed; undefined
// when it is neither. Whether an e-mail address is one, the service knows best.
export function readInvitee(typed: string): Invitee | undefined {
  const text = typed.trim()
  if (isAddress(text)) return { wallet: text }
  return /^[^\s@]+@[^\s@]+$/.test(text) ? { email: text } : undefined
}
