import { isAddress } from '../../wallet/types'
import { readID } from '../sessions/filters'

export type Search = { id: string } | { wallet: string } | { email: string } | { ens_name: string }

// readSearch tells what was typed by its form: the service looks up whole
// addresses, wallets, ids and ENS names. Undefined: nothing of these.
export function readSearch(typed: string): Search | undefined {
  const text = typed.trim()
  const id = readID(text)
  if (id) return { id }
  if (isAddress(text)) return { wallet: text }
  if (/^[^\s@]+@[^\s@]+$/.test(text)) return { email: text }
  return /^[^\s@.]+(\.[^\s@.]+)+$/.test(text) ? { ens_name: text } : undefined
}

// isASCII tells names that can be looked up from those that only look like them.
export const isASCII = (text: string) => /^[\x21-\x7e]*$/.test(text)
