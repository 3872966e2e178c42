import type { Translate } from '../i18n/translate'

// walletProvider is what the contract calls Ethereum wallets.
export const walletProvider = 'siwe'

// emailProvider: mailed links and codes.
export const emailProvider = 'email'

// passkeyProvider: keys of authenticators.
export const passkeyProvider = 'passkey'

// solanaProvider: Solana wallets.
export const solanaProvider = 'solana'

const brands: Record<string, string> = { solana: 'Solana', google: 'Google', github: 'GitHub', discord: 'Discord', gitlab: 'GitLab', microsoft: 'Microsoft' }

// What the service calls the providers that are its operator's own.
const labels = new Map<string, string>()

export function rememberLabels(providers: readonly { name: string; label?: string | undefined }[]): void {
  for (const { name, label } of providers) if (label) labels.set(name, label)
}

const ours = { [walletProvider]: 'common.wallet', [emailProvider]: 'common.emailLink', [passkeyProvider]: 'common.passkey', recovery: 'common.recoveryCode' } as const

// providerName is what people call it. Providers by configuration are shown by
// the name they were given there.
export function providerName(t: Translate, provider: string): string {
  if (Object.hasOwn(ours, provider)) return t(ours[provider as keyof typeof ours])
  if (Object.hasOwn(brands, provider)) return brands[provider]!
  return labels.get(provider) ?? provider.charAt(0).toUpperCase() + provider.slice(1)
}

export type StartOption = 'link_ticket' | 'without_address'

// startUrl begins a sign-in: a plain address to go to, so that a link to it works
// without a script.
export function startUrl(provider: string, returnTo: string, option?: StartOption): string {
  const query = new URLSearchParams({ purpose: 'sign_in', return_to: returnTo, ...(option && { [option]: 'true' }) })
  return `/v1/auth/${encodeURIComponent(provider)}/start?${query.toString()}`
}

// signInUrl begins a sign-in. For a page of the app it returns through the sign-in
// page, which can show a refusal; another application gets the refusal itself.
export function signInUrl(provider: string, asked: string, option?: StartOption): string {
  const back = asked.startsWith('/') ? '/sign-in?' + new URLSearchParams({ return_to: asked, done: provider }).toString() : asked
  return startUrl(provider, back, option)
}
