// returnPath returns where a person goes after signing in or out: a path of the application.
// For anything that leads elsewhere it is the fallback. Browsers read a backslash as a slash
// and skip tabs and line breaks, so that "/\evil.example" and "/<tab>/evil.example" would
// be other hosts, and "/..//evil.example" is one once its dots are resolved.
export function returnPath(raw: string | null | undefined, origin: string, basePath: string, fallback = '/'): string {
  if (!raw || raw.length > 2048) return fallback
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\\\u0000-\u0020\u007f]/.test(raw)) return fallback
  if (!raw.startsWith('/') && !raw.startsWith(`${origin}/`) && raw !== origin) return fallback
  if (!URL.canParse(raw, origin)) return fallback
  const url = new URL(raw, origin)
  if (url.origin !== origin || url.username || url.password || url.pathname.startsWith('//')) return fallback
  // The sign-in pages themselves would be a loop.
  if (url.pathname === basePath || url.pathname.startsWith(`${basePath}/`)) return fallback
  return url.pathname + url.search + url.hash
}
