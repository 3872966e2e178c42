import { isAddress } from '../../wallet/types'

export type Invitee = { email: string } | { wallet: string }

// readInvitee tells an e-mail address from a wallet by what was typed; undefined
// when it is neither. Whether an e-mail address is one, the service knows best.
export function readInvitee(typed: string): Invitee | undefined {
  const text = typed.trim()
  if (isAddress(text)) return { wallet: text }
  return /^[^\s@]+@[^\s@]+$/.test(text) ? { email: text } : undefined
}
