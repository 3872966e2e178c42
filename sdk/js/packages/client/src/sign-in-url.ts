import type { components } from './schema.gen.js'

/**
 * absoluteReturn returns returnTo in the form that the service expects. On another host
 * than the service's, a path would lead to the service, so it becomes a URL of the page's
 * origin. It throws a TypeError for anything but a path or an http(s) URL. The service
 * itself accepts only URLs of its allowed origins.
 */
export function absoluteReturn(returnTo: string, baseUrl: string, origin = globalThis.location?.origin): string {
  if (returnTo.startsWith('/')) {
    // Browsers read a backslash as a slash, and drop tabs and newlines.
    if (/^\/[/\\]/.test(returnTo) || /[\t\n\r]/.test(returnTo)) throw new TypeError('returnTo must not name another host without a scheme')
    return origin === undefined || origin === 'null' || baseUrl === '' || new URL(baseUrl).origin === origin ? returnTo : origin + returnTo
  }
  const url = URL.canParse(returnTo) ? new URL(returnTo) : undefined
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') throw new TypeError('returnTo must be a path or an http(s) URL')
  return returnTo
}

// kindsOnPage says of each kind of sign-in method whether it begins on the service's sign-in
// page. A new kind of the contract does not compile until it is listed.
const kindsOnPage: Record<components['schemas']['Provider']['kind'], boolean> = { redirect: false, wallet: true, email: true, passkey: true, solana: true }

// Names of methods that are not those of their kind: wallets, one's own backend, recovery codes.
const namesOnPage = ['siwe', 'latchkey', 'recovery']

/**
 * beginsOnPage reports whether a sign-in method, by its name or its kind, begins on the service's
 * sign-in page. Others begin at `/v1/auth/{provider}/start`, which redirects to the provider.
 */
export function beginsOnPage(provider: string): boolean {
  return namesOnPage.includes(provider) || (Object.hasOwn(kindsOnPage, provider) && kindsOnPage[provider as keyof typeof kindsOnPage])
}
