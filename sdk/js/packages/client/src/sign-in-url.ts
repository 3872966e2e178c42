/**
 * absoluteReturn returns where to come back to, as the service takes it. On another
 * host than the service a path would lead to the service, so it becomes a URL of this page's
 * origin. It throws a TypeError for what can lead nowhere but astray: the service
 * has the last word, and takes URLs of its allowed origins only.
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
