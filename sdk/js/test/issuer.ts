import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT } from 'jose'

export interface Listening {
  url: string
  close(): Promise<void>
}

/** listen serves on a free port of this machine. */
export async function listen(handler: RequestListener): Promise<Listening> {
  const server: Server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

export const audience = 'https://api.example.com'

type Key = Awaited<ReturnType<typeof generateKeyPair>>

export interface Fakes {
  header?: Partial<JWTHeaderParameters> & Record<string, unknown>
  claims?: Record<string, unknown>
  key?: CryptoKey | Uint8Array
}

/** Issuer publishes keys and signs tokens as Latchkey does, but for what a test changes. */
export class Issuer {
  readonly issuer: string
  /** How often the keys were fetched. */
  fetched = 0
  /** What is published; undefined answers 500. */
  published: { kid: string; key: Key; alg: string }[] | undefined
  readonly key: Key
  #wait: Promise<void> | undefined

  private constructor(key: Key, issuer: string) {
    this.key = key
    this.issuer = issuer
    this.published = [{ kid: 'one', key, alg: 'EdDSA' }]
  }

  static async create(issuer = 'https://auth.example.com'): Promise<Issuer> {
    return new Issuer(await generateKeyPair('EdDSA', { extractable: true }), issuer)
  }

  /** hold makes the answers wait until what it returns is called. */
  hold(): () => void {
    let release = () => {}
    this.#wait = new Promise((resolve) => {
      release = resolve
    })
    return release
  }

  /** fetch answers for the service. */
  readonly fetch = async (request: Request): Promise<Response> => {
    if (request.url !== `${this.issuer}/.well-known/jwks.json`) return new Response(null, { status: 404 })
    this.fetched++
    await this.#wait
    if (!this.published) return new Response('<h1>oh no</h1>', { status: 500 })
    const keys = await Promise.all(this.published.map(async ({ kid, key, alg }) => ({ ...(await exportJWK(key.publicKey)), kid, alg, use: 'sig' })))
    return Response.json({ keys })
  }

  sign({ header = {}, claims = {}, key = this.key.privateKey }: Fakes = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const payload = { iss: this.issuer, aud: [audience], sub: 'user', client_id: 'web', sid: 'session', iat: now, exp: now + 300, auth_time: now - 60, amr: ['google'], ...claims }
    return new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'one', ...header }).sign(key, { crit: { unknown: true } })
  }

  /** machine signs a token of an API key of a team. */
  machine(claims: Record<string, unknown> = {}): Promise<string> {
    return this.sign({ claims: { sub: 'key', client_id: 'key', sid: undefined, auth_time: undefined, amr: undefined, team: 'acme', role: 'member', ...claims } })
  }
}
