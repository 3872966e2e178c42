import type { Purpose } from '../api/types'

// walletProvider is what the contract calls Ethereum wallets.
export const walletProvider = 'siwe'

const names: Record<string, string> = { google: 'Google', github: 'GitHub', [walletProvider]: 'Ethereum wallet', email: 'E-mail link' }

// providerName is what people call it. Providers by configuration are shown by
// the name they were given there.
export function providerName(provider: string): string {
  return Object.hasOwn(names, provider) ? names[provider]! : provider.charAt(0).toUpperCase() + provider.slice(1)
}

// startUrl is a plain address to go to: a link to it works without a script.
export function startUrl(provider: string, purpose: Purpose, returnTo: string): string {
  const query = new URLSearchParams({ purpose, return_to: returnTo })
  return `/v1/auth/${encodeURIComponent(provider)}/start?${query.toString()}`
}

// signInUrl begins a sign-in. For a page of the app the way back leads over the
// sign-in page, which is where a refusal can be told; another application hears
// of it itself.
export function signInUrl(provider: string, asked: string): string {
  const back = asked.startsWith('/') ? '/sign-in?' + new URLSearchParams({ return_to: asked, done: '1' }).toString() : asked
  return startUrl(provider, 'sign_in', back)
}
