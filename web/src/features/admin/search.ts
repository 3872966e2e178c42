import { isAddress } from '../../wallet/types'
import { readID } from '../sessions/filters'

export type Search = { id: string } | { wallet: string } | { email: string } | { ens_name: string } | { search: string }

const isWallet = (text: string): boolean => isAddress(text)

// readSearch tells what was typed by its form: a whole address, wallet, id or ENS name,
// and otherwise a part of a name or address. Undefined: too short for that.
export function readSearch(typed: string): Search | undefined {
  const text: string = typed.trim()
  const id = readID(text)
  if (id) return { id }
  if (isWallet(text)) return { wallet: text }
  if (/^[^\s@]+@[^\s@]+$/.test(text)) return { email: text }
  if (/^[^\s@.]+(\.[^\s@.]+)*\.eth$/i.test(text)) return { ens_name: text }
  return text.length >= 2 ? { search: text.slice(0, 100) } : undefined
}

// isASCII tells names that can be looked up from those that only look like them.
export const isASCII = (text: string) => /^[\x21-\x7e]*$/.test(text)
