import {
  type Authenticator,
  type ChallengeOptions,
  createVerifier,
  isMachine,
  isUser,
  LatchkeyError,
  type Machine,
  type Principal,
  type Role,
  refusalOf,
  requireTeamRole,
  type User,
  type VerifierOptions,
  webhookHandler,
} from '@latchkey/server'
import type { Request, RequestHandler, Response } from 'express'

export { LatchkeyError, type Machine, type Role, type User } from '@latchkey/server'

type LatchkeyUser = User

declare global {
  namespace Express {
    interface User extends LatchkeyUser {}
    interface Request {
      /** The person who sent the request, by their access token. Undefined without one, and for machines. */
      user?: User | undefined
      /** The API key of a team that sent the request. */
      machine?: Machine | undefined
    }
  }
}

export interface AuthenticatorOptions extends ChallengeOptions {
  /** Instead of `issuer` and `audience`: a verifier or an introspector of @latchkey/server. */
  authenticator: Authenticator
}

export type LatchkeyOptions = (VerifierOptions & ChallengeOptions) | AuthenticatorOptions

// What latchkey() found, for the guards that follow it.
interface Found {
  principal?: Principal
  error?: unknown
  challenge: ChallengeOptions
}
const found = new WeakMap<Request, Found>()

/**
 * latchkey sets `req.user` or `req.machine` by the bearer token of each request. It refuses nothing, so public pages work: put
 * requireUser or requireRole before routes that need a user.
 */
export function latchkey({ resourceMetadata, scopes, ...options }: LatchkeyOptions): RequestHandler {
  const by: Authenticator = 'authenticator' in options ? options.authenticator : createVerifier(options)
  const challenge = { resourceMetadata, scopes }
  return async (req, _res, next) => {
    req.user = undefined
    req.machine = undefined
    try {
      // For teams that limit networks. Behind a proxy it is the client's with Express's `trust proxy`.
      const principal = await by.authenticate(req.headers.authorization, { clientIp: req.ip })
      if (isUser(principal)) req.user = principal
      else req.machine = principal
      found.set(req, { principal, challenge })
    } catch (error) {
      found.set(req, { error, challenge })
    }
    next()
  }
}

/**
 * requireUser answers 401 with WWW-Authenticate to requests without a user, 403 to machines, and 503 while tokens cannot be
 * checked.
 */
export function requireUser(): RequestHandler {
  return guard(() => undefined, false)
}

export interface RequireRoleOptions {
  /** The team that the token must be for, such as `(req) => req.params.team`. Without it any team will do: then use `req.user.team`. */
  team?: string | ((req: Request) => string | undefined)
  /** Whether API keys of the team are allowed as well. Then `req.user` may be undefined. The default is false. */
  machines?: boolean
}

/** requireRole is requireUser, and answers 403 unless they have this role in the team, or a higher one. */
export function requireRole(role: Role, { team, machines = false }: RequireRoleOptions = {}): RequestHandler {
  return guard((principal, req) => {
    // Without a name in the request, no team is right.
    const asked = typeof team === 'function' ? (team(req) ?? '') : team
    requireTeamRole(principal, role, { team: asked })
  }, machines)
}

function guard(check: (principal: Principal, req: Request) => void, machines: boolean): RequestHandler {
  return (req, res, next) => {
    const before = found.get(req)
    if (!before) throw new Error('latchkey() must run before requireUser() and requireRole()')
    try {
      if (!before.principal) throw before.error
      if (isMachine(before.principal) && !machines) throw new LatchkeyError('API keys cannot make this call; sign in', { code: 'forbidden', status: 403 })
      check(before.principal, req)
    } catch (error) {
      refuse(res, error, before.challenge)
      return
    }
    next()
  }
}

// The largest event that is taken.
const maxEvent = 1 << 20

/**
 * webhook returns the handler of a route that Latchkey sends events to: see webhookHandler of @latchkey/server. The signature is over
 * the body as it was sent, so that it comes before express.json().
 */
export function webhook(...options: Parameters<typeof webhookHandler>): RequestHandler {
  const handle = webhookHandler(...options)
  return async (req, res, next) => {
    try {
      const body = await bodyOf(req)
      if (!body) {
        res.set('connection', 'close') // the rest of the body is not read
        refuse(res, new LatchkeyError('the webhook is too large', { code: 'invalid_webhook', status: 413 }), {})
        return
      }
      const headers = Object.entries(req.headers).filter((header): header is [string, string] => typeof header[1] === 'string' && header[0].startsWith('webhook-'))
      const answer = await handle(new Request('http://localhost/', { method: 'POST', headers, body: new Uint8Array(body) }))
      res
        .status(answer.status)
        .set(Object.fromEntries(answer.headers))
        .send(await answer.text())
    } catch (error) {
      next(error)
    }
  }
}

// bodyOf reads a body, and undefined for one that is too large.
async function bodyOf(req: Request): Promise<Buffer | undefined> {
  if (Buffer.isBuffer(req.body)) return req.body // express.raw()
  if (req.readableEnded) throw new Error('webhook() must run before express.json(): the signature is over the body as it was sent')
  if (Number(req.headers['content-length'] ?? 0) > maxEvent) return undefined
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    size += (chunk as Buffer).length
    if (size > maxEvent) return undefined
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

function refuse(res: Response, error: unknown, challenge: ChallengeOptions): void {
  const { status, headers, body } = refusalOf(error, challenge)
  res.status(status).set(headers).send(JSON.stringify(body))
}
