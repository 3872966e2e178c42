import { type components, LatchkeyError } from '@latchkey/client'

export type Role = components['schemas']['Role']

interface Bearer {
  /** The client that the token was issued to. Introspection has none of a session token. */
  readonly client?: string
  readonly team?: string
  /** In the team, when the token was signed. */
  readonly role?: Role
  readonly scopes: readonly string[]
  readonly expiresAt: Date
}

/** User is the person who sent a request, by its token. A body or another header never says who it was. */
export interface User extends Bearer {
  readonly type: 'user'
  /** The user's id: stable, and after a merge the survivor's. */
  readonly id: string
  readonly session: string
  /** When the person was last verified, and by which sign-in methods. */
  readonly authenticatedAt?: Date
  readonly methods: readonly string[]
  /** The claims that the application's token hook added. */
  readonly app?: Readonly<Record<string, unknown>>
}

/** Machine is an API key of a team, which is not a user. */
export interface Machine extends Bearer {
  readonly type: 'machine'
  /** The id of the key. */
  readonly id: string
}

export type Principal = User | Machine

/** unauthenticated returns the error of a request without a token, with status 401. */
export function unauthenticated(message: string): LatchkeyError {
  return new LatchkeyError(message, { code: 'unauthenticated', status: 401 })
}

/** invalidToken returns the error of a request whose token is refused, also with status 401. Its field distinguishes the two. */
export function invalidToken(message: string, cause?: unknown): LatchkeyError {
  return new LatchkeyError(message, { code: 'unauthenticated', status: 401, field: 'authorization', cause })
}

/** Claims are the claims that are read from a token or an introspection. */
export interface Claims {
  sub?: unknown
  sid?: unknown
  client_id?: unknown
  team?: unknown
  role?: unknown
  scope?: unknown
  exp?: unknown
  auth_time?: unknown
  amr?: unknown
  app?: unknown
}

const roles: readonly unknown[] = ['member', 'admin', 'owner'] satisfies Role[]

/** principalOf reads claims that were verified. It throws `unauthenticated` if they name neither a person nor a machine. */
export function principalOf(claims: Claims): Principal {
  const { sub, sid, client_id: client, team, role } = claims
  if (!isText(sub) || typeof claims.exp !== 'number') throw invalidToken('the token lacks a claim')
  const bearer: Bearer = {
    ...(isText(client) ? { client } : {}),
    ...(isText(team) && roles.includes(role) ? { team, role: role as Role } : {}),
    scopes: isText(claims.scope) ? claims.scope.split(' ').filter(Boolean) : [],
    expiresAt: new Date(claims.exp * 1000),
  }
  if (isText(sid)) {
    return {
      type: 'user',
      id: sub,
      session: sid,
      ...bearer,
      ...(typeof claims.auth_time === 'number' ? { authenticatedAt: new Date(claims.auth_time * 1000) } : {}),
      methods: Array.isArray(claims.amr) ? claims.amr.filter(isText) : [],
      ...(typeof claims.app === 'object' && claims.app !== null ? { app: claims.app as Record<string, unknown> } : {}),
    }
  }
  // Only a key is its own client (RFC 9068, section 2.2): a token of anybody else names their session.
  if (sid !== undefined || sub !== client) throw invalidToken('the token lacks its session')
  return { type: 'machine', id: sub, ...bearer }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** bearerToken returns the token of an Authorization header (RFC 6750), whose scheme may be in any case. It throws `unauthenticated` without one. */
export function bearerToken(authorization: string | null | undefined): string {
  const [, token] = /^bearer +([\w\-.~+/]+=*)$/i.exec(authorization ?? '') ?? []
  if (!authorization) throw unauthenticated('no bearer token')
  if (token === undefined) throw invalidToken('the Authorization header has no bearer token')
  return token
}

/** Credentials have an Authorization header: a Request, its headers, or the header itself. */
export type Credentials = Request | Headers | string | null | undefined

/** Authenticator finds out who sent a request. createVerifier and createIntrospector return one. */
export interface Authenticator<By = unknown> {
  /** verify returns the principal of a token. It throws a LatchkeyError: `unauthenticated`, or `unavailable` if the token cannot be checked. */
  verify(token: string, by?: By): Promise<Principal>
  /** authenticate verifies the bearer token of a request. */
  authenticate(request: Credentials, by?: By): Promise<Principal>
}

/** authenticator adds authenticate to verify. */
export function authenticator<By>(verify: (token: string, by?: By) => Promise<Principal>): Authenticator<By> {
  return {
    verify,
    async authenticate(request, by) {
      const headers = request instanceof Request ? request.headers : request
      return verify(bearerToken(headers instanceof Headers ? headers.get('authorization') : headers), by)
    },
  }
}
