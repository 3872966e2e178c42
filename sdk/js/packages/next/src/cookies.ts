// Jar is the cookies of a request.
export interface Jar {
  get(name: string): string | undefined
  names(): string[]
}

// CookieWrite is a cookie to be set; a maxAge of 0 removes it.
export interface CookieWrite {
  name: string
  value: string
  httpOnly: true
  secure: boolean
  sameSite: 'lax'
  path: '/'
  maxAge: number
  /** Of cookies of Latchkey's own. */
  domain?: string
}

// A browser takes 4096 bytes for name, value and attributes.
const chunkSize = 3800
const maxChunks = 8

// CookieNames are those of one application, for https or for http on this machine.
export interface CookieNames {
  session: string
  signIn: string
  secure: boolean
}

// cookieNames returns the names for an origin. `__Host-` keeps subdomains and http pages
// from setting one; browsers take it over https only.
export function cookieNames(name: string, origin: string): CookieNames {
  const secure = origin.startsWith('https:')
  const prefix = secure ? '__Host-' : ''
  return { session: prefix + name, signIn: `${prefix}${name}-sign-in`, secure }
}

// candidates returns the possible values of a cookie: itself, and its chunks joined. A value
// that was cut or mixed up does not decrypt.
export function candidates(jar: Jar, name: string): string[] {
  const out: string[] = []
  const whole = jar.get(name)
  if (whole) out.push(whole)
  let joined = ''
  for (let i = 0; i < maxChunks; i++) {
    const chunk = jar.get(`${name}.${i}`)
    if (!chunk) break
    joined += chunk
  }
  if (joined) out.push(joined)
  return out
}

// writeCookie returns the cookies that replace one, in chunks if it is long; null removes
// it. Other chunks that the browser has are removed. It returns undefined if the value is
// too long for browsers.
export function writeCookie(jar: Jar, name: string, value: string | null, secure: boolean, maxAge: number): CookieWrite[] | undefined {
  const parts = value === null ? [] : (value.match(new RegExp(`.{1,${chunkSize}}`, 'g')) ?? [])
  if (parts.length > maxChunks) return undefined
  const values = new Map(parts.length === 1 ? [[name, parts[0]!]] : parts.map((part, i) => [`${name}.${i}`, part]))
  const write = (cookie: string, text: string, seconds: number): CookieWrite => ({
    name: cookie,
    value: text,
    httpOnly: true,
    secure,
    sameSite: 'lax',
    path: '/',
    maxAge: seconds,
  })
  const stale = jar.names().filter((known) => (known === name || /^\.\d+$/.test(known.startsWith(name) ? known.slice(name.length) : '')) && !values.has(known))
  return [...[...values].map(([cookie, text]) => write(cookie, text, maxAge)), ...stale.map((cookie) => write(cookie, '', 0))]
}

// serialize writes a Set-Cookie header (RFC 6265).
export function serialize(c: CookieWrite): string {
  return `${c.name}=${c.value}; Path=/; Max-Age=${c.maxAge}; HttpOnly; SameSite=Lax${c.secure ? '; Secure' : ''}${c.domain ? `; Domain=${c.domain}` : ''}`
}

// pairsOf reads a Cookie header, in which a name can occur twice.
export function pairsOf(header: string | null): [name: string, value: string][] {
  return (header ?? '').split(';').flatMap((pair) => {
    const at = pair.indexOf('=')
    return at < 0 ? [] : [[pair.slice(0, at).trim(), pair.slice(at + 1).trim()]]
  })
}

// headerOf writes a Cookie header.
export function headerOf(pairs: readonly (readonly [name: string, value: string])[]): string {
  return pairs.map(([name, value]) => `${name}=${value}`).join('; ')
}

// jarOf reads a Cookie header. If a name occurs twice, the first one counts: browsers send
// the more specific one first.
export function jarOf(header: string | null): Jar {
  const all = new Map<string, string>()
  for (const [name, value] of pairsOf(header)) if (!all.has(name)) all.set(name, value)
  return { get: (name) => all.get(name), names: () => [...all.keys()] }
}

// withWrites returns a Cookie header as the browser will send it after the writes. Other
// cookies stay as they are, also two of one name: only their owner can decide between them.
export function withWrites(header: string | null, writes: readonly CookieWrite[]): string {
  const changed = new Set(writes.map(({ name }) => name))
  const kept = pairsOf(header).filter(([name]) => !changed.has(name))
  return headerOf([...kept, ...writes.filter(({ maxAge }) => maxAge > 0).map(({ name, value }) => [name, value] as const)])
}
