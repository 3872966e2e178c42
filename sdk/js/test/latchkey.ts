import { createHash, randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

// The parts of Latchkey that an application talks to, with its rules of sessions and refresh
// tokens (docs/decisions/0033), for tests without a service.
export interface Person {
  sub: string
  claims: Record<string, unknown>
}

interface AppSession {
  person: Person
  nonce: string | undefined
  team: { team: string; role: string } | undefined
  verified: number
  generation: number
  ended: boolean
  refused: boolean
}

export const issuer = 'https://auth.example.com'
export const clientId = 'app'
export const clientSecret = 'the secret of the application'

const keys = await generateKeyPair('ES256', { extractable: true })
const strangers = await generateKeyPair('ES256', { extractable: true })
const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }

export class Latchkey {
  readonly sessions = new Map<string, AppSession>()
  readonly requests: string[] = []
  /** What it does with requests: it may be away, slow or broken. */
  mood: 'up' | 'away' | 'slow' | 'broken' = 'up'
  /** How long the token endpoint takes, for races. */
  delay = async (): Promise<void> => undefined
  /** What changes a token before it is signed. */
  tamper: (claims: Record<string, unknown>) => Record<string, unknown> = (claims) => claims
  strange = false
  /** What calls about a session are answered with instead. */
  instead: (sid: string, path: string) => Response | undefined = () => undefined
  /** The keys that it publishes. */
  published: object[] = [jwk]
  readonly #codes = new Map<string, { sid: string; challenge: string; redirectUri: string }>()

  count(path: string): number {
    return this.requests.filter((known) => known === path).length
  }

  // authorize is the person's browser at /oauth2/authorize; it returns where they are sent.
  authorize(url: string, person: Person): string {
    const query = new URL(url).searchParams
    const [sid, code] = [randomUUID(), randomUUID()]
    const team = query.get('team')
    this.sessions.set(sid, {
      person,
      nonce: query.get('nonce') ?? undefined,
      team: team ? { team, role: 'member' } : undefined,
      verified: Math.floor(Date.now() / 1000),
      generation: 1,
      ended: false,
      refused: false,
    })
    this.#codes.set(code, { sid, challenge: query.get('code_challenge')!, redirectUri: query.get('redirect_uri')! })
    const back = new URL(query.get('redirect_uri')!)
    back.search = new URLSearchParams({ code, state: query.get('state')!, iss: issuer }).toString()
    return back.href
  }

  /** The id of the newest session. */
  get sid(): string {
    return [...this.sessions.keys()].at(-1)!
  }

  get newest(): AppSession {
    return this.sessions.get(this.sid)!
  }

  logoutToken(claims: Record<string, unknown>, header: Record<string, unknown> = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
    return this.#sign({ iss: issuer, aud: clientId, iat: now, exp: now + 120, jti: randomUUID(), events, ...claims }, { typ: 'logout+jwt', ...header })
  }

  readonly fetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const path = new URL(String(input)).pathname
    this.requests.push(path)
    if (this.mood === 'away') throw new TypeError('fetch failed')
    if (this.mood === 'broken') return new Response('oops', { status: 500 })
    if (this.mood === 'slow') {
      return new Promise((_, reject) => {
        if (init.signal?.aborted) reject(init.signal.reason)
        init.signal?.addEventListener('abort', () => reject(init.signal!.reason))
      })
    }
    if (path === '/.well-known/jwks.json') return Response.json({ keys: this.published })
    const form = init.body as URLSearchParams
    if (new Headers(init.headers).get('authorization') !== `Basic ${btoa(`${clientId}:${encodeURIComponent(clientSecret).replace(/%20/g, '+')}`)}`) {
      return Response.json({ error: 'invalid_client' }, { status: 401 })
    }
    const token = form.get('token') ?? form.get('refresh_token')
    const instead = token && this.instead(sidOf(token), path)
    if (instead) return instead
    if (path === '/oauth2/token') return this.#token(form)
    const session = this.sessions.get(sidOf(form.get('token')!))
    if (path === '/oauth2/revoke') {
      if (session) session.ended = true
      return new Response()
    }
    if (!session || session.ended || session.refused) return Response.json({ active: false })
    return Response.json({ active: true, sub: session.person.sub, auth_time: session.verified, ...session.team })
  }

  async #token(form: URLSearchParams): Promise<Response> {
    const refuse = (error: string, code = error, status = 400) => Response.json({ error, code, error_description: code }, { status })
    if (form.get('grant_type') === 'authorization_code') {
      const code = this.#codes.get(form.get('code')!)
      const hash = createHash('sha256').update(form.get('code_verifier')!).digest('base64url')
      this.#codes.delete(form.get('code')!)
      if (!code || code.challenge !== hash || code.redirectUri !== form.get('redirect_uri')) return refuse('invalid_grant')
      await this.delay()
      return this.#tokens(code.sid, true)
    }
    const [sid, n] = form.get('refresh_token')!.split('/') as [string, string]
    const session = this.sessions.get(sid)
    if (!session || session.ended) return refuse('invalid_grant')
    if (Number(n) < session.generation - 1) {
      session.ended = true // used after its successor was used
      return refuse('invalid_grant')
    }
    if (session.refused) return refuse('access_denied', 'policy_unsatisfied', 403)
    if (Number(n) === session.generation) session.generation++
    await this.delay()
    return this.#tokens(sid, false)
  }

  async #tokens(sid: string, first: boolean): Promise<Response> {
    const { person, nonce, generation, team, verified } = this.sessions.get(sid)!
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      iss: issuer,
      aud: clientId,
      azp: clientId,
      iat: now,
      exp: now + 300,
      sub: person.sub,
      sid,
      auth_time: verified,
      amr: ['google'],
      ...team,
      ...person.claims,
      ...(first && { nonce }),
    }
    return Response.json({
      access_token: await this.#sign({ iss: issuer, aud: issuer, sub: person.sub, sid, exp: now + 300, jti: randomUUID(), app: { plan: 'pro' } }, { typ: 'at+jwt' }),
      id_token: await this.#sign(this.tamper(claims), {}),
      refresh_token: `${sid}/${generation}`,
      expires_in: 300,
    })
  }

  #sign(claims: Record<string, unknown>, header: Record<string, unknown>): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'one', ...header }).sign((this.strange ? strangers : keys).privateKey)
  }
}

// sidOf reads the session of an access token or a refresh token of ours.
function sidOf(token: string): string {
  if (token.includes('/')) return token.split('/')[0]!
  return (JSON.parse(Buffer.from(token.split('.')[1] ?? 'e30', 'base64url').toString()) as { sid: string }).sid
}
