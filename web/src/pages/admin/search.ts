import { readID } from '../../sessions/filters'
import { isAddress } from '../../wallet/types'

export type Search = { id: string } | { wallet: string } | { email: string }

// readSearch tells what was typed by its form: the service looks up whole
// addresses, wallets and ids. Undefined: nothing of these.
export function readSearch(typed: string): Search | undefined {
  const text = typed.trim()
  const id = readID(text)
  if (id) return { id }
  if (isAddress(text)) return { wallet: text }
  return /^[^\s@]+@[^\s@]+$/.test(text) ? { email: text } : undefined
}
