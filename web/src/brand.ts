// Whose service this is, as the server says in the page it serves.
function setting(name: string): string | undefined {
  return document.querySelector(`meta[name="latchkey-${name}"]`)?.getAttribute('content') || undefined
}

export const brand = {
  name: setting('brand-name') ?? 'Latchkey',
  logo: setting('brand-logo') ?? '/favicon.svg',
  /** Where the application is that people come from, or undefined. */
  home: setting('brand-home'),
  /** What people agree to by signing in, or undefined. */
  terms: setting('brand-terms'),
  privacy: setting('brand-privacy'),
  /** #rrggbb, or undefined for our own. */
  color: setting('brand-color'),
}
