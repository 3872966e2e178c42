import { type Api, type ApiOptions, createApi, expected, unwrap } from './api.js'
import { LatchkeyError } from './errors.js'
import { me } from './me.js'
import type { components, paths } from './schema.gen.js'
import { absoluteReturn, beginsOnPage } from './sign-in-url.js'
import { teams } from './teams.js'
import { type TokenRequest, Tokens } from './tokens.js'

export type ClientOptions = Pick<ApiOptions, 'baseUrl' | 'fetch' | 'timeout'>

export type Purpose = components['schemas']['Purpose']
export type CurrentSession = components['schemas']['CurrentSession']
export type ProofResult = components['schemas']['ProofResult']

type Body<Path extends keyof paths> = paths[Path] extends { post: { requestBody: { content: { 'application/json': infer B } } } } ? B : never

export interface SignInOptions<P extends Purpose = Purpose> {
  /** Where to come back to: a path of this site, or a URL of an allowed origin. */
  returnTo?: string | undefined
  purpose?: P | undefined
}

export type Client = ReturnType<typeof createClient>

/**
 * createClient returns a client for pages, which sends the session's cookie. Pages of other
 * origins must be listed in LATCHKEY_ALLOWED_ORIGINS. A call that fails throws a LatchkeyError.
 */
export function createClient({ baseUrl = '', ...options }: ClientOptions = {}) {
  const url = baseUrl.replace(/\/+$/, '')
  const api = createApi({ ...options, baseUrl: url, credentials: 'include' })
  const tokens = new Tokens(api)
  const proved = async (answer: Promise<{ data?: ProofResult; error?: unknown; response: Response }>): Promise<ProofResult> => {
    const result = expected(await unwrap(answer), (it) => it.user?.id && it.session?.id)
    tokens.clear() // they belong to the previous session
    return result
  }

  /**
   * signInUrl returns where to send the browser to sign in with a provider, for use in a link. For
   * `link` and `step_up` it returns a promise, because the page has to begin them for this browser.
   * Without a provider it is the service's own sign-in page, and so for methods that begin there, such as wallets.
   */
  function signInUrl(provider?: string, options?: SignInOptions<'sign_in'>): string
  function signInUrl(provider: string, options: SignInOptions<'link' | 'step_up'>): Promise<string>
  function signInUrl(provider: string | undefined, options?: SignInOptions): string | Promise<string>
  function signInUrl(provider?: string, { returnTo, purpose = 'sign_in' }: SignInOptions = {}): string | Promise<string> {
    const back = returnTo === undefined ? undefined : absoluteReturn(returnTo, url)
    if (purpose !== 'sign_in') return begin(api, provider ?? '', purpose, back)
    const path = provider === undefined || beginsOnPage(provider) ? '/sign-in' : `/v1/auth/${encodeURIComponent(provider)}/start`
    return url + path + (back === undefined ? '' : `?return_to=${encodeURIComponent(back)}`)
  }

  let current: string | undefined // the session that the tokens belong to

  return {
    session: {
      /** get returns the session, or null if no one is signed in. */
      async get({ teamId }: { teamId?: string | undefined } = {}): Promise<CurrentSession | null> {
        try {
          const found = await unwrap(api.GET('/v1/session', teamId === undefined ? {} : { params: { query: { team_id: teamId } } }))
          const now = expected(found, (it) => it.user?.id && it.session?.id)
          if (now.session.id !== current) tokens.clear() // another tab may have signed in another person
          current = now.session.id
          return now
        } catch (error) {
          if (!(error instanceof LatchkeyError && error.code === 'unauthenticated')) throw error
          tokens.clear()
          return null
        }
      },
      /** signOut ends the session. */
      async signOut(): Promise<void> {
        tokens.clear()
        try {
          await unwrap(api.DELETE('/v1/session'))
        } catch (error) {
          if (!(error instanceof LatchkeyError && error.code === 'unauthenticated')) throw error
        } finally {
          tokens.clear() // also those that were requested meanwhile
        }
      },
    },
    me: me(api),
    teams: teams(api),
    merges: {
      list: (page: { limit?: number; cursor?: string } = {}) => unwrap(api.GET('/v1/me/merges', { params: { query: page } })),
      /** preview shows what a merge by a ticket would do. It changes nothing. */
      preview: (body: Body<'/v1/me/merges'>) => unwrap(api.POST('/v1/me/merges', { body })),
      get: (merge: string) => unwrap(api.GET('/v1/me/merges/{merge}', { params: { path: { merge } } })),
      /** confirm merges the two accounts, and replaces this browser's session. */
      async confirm(merge: string, body: Body<'/v1/me/merges/{merge}/confirm'>) {
        const done = await unwrap(api.POST('/v1/me/merges/{merge}/confirm', { params: { path: { merge } }, body }))
        tokens.clear()
        return done
      },
      undo: (merge: string) => unwrap(api.POST('/v1/me/merges/{merge}/undo', { params: { path: { merge } } })),
    },
    siwe: {
      /** challenge returns a nonce, and with an address the EIP-4361 message to sign. */
      challenge: async (body: Body<'/v1/auth/siwe/challenge'> = {}) => expected(await unwrap(api.POST('/v1/auth/siwe/challenge', { body })), (it) => it.nonce),
      /** verify sends the message, as it was signed, and the signature. */
      verify: (body: Body<'/v1/auth/siwe/verify'>) => proved(api.POST('/v1/auth/siwe/verify', { body })),
    },
    email: {
      /** start mails a link and a code. */
      start: (body: Body<'/v1/auth/email/start'>) => unwrap(api.POST('/v1/auth/email/start', { body })),
      /** verify takes the `token` of the link, or the `code`. */
      verify: (body: Body<'/v1/auth/email/verify'>) => proved(api.POST('/v1/auth/email/verify', { body })),
    },
    ticket: {
      /** start returns a `flow` of this browser, by which a backend of the application can vouch for the person. */
      start: (body: Body<'/v1/auth/ticket/start'> = {}) => unwrap(api.POST('/v1/auth/ticket/start', { body })),
      /** verify takes the ticket that the backend got. */
      verify: (body: Body<'/v1/auth/ticket/verify'>) => proved(api.POST('/v1/auth/ticket/verify', { body })),
    },
    signInUrl,
    /** getAccessToken returns an access token for the API of a client. It is kept, and renewed 30 seconds before it expires. */
    getAccessToken: (request: TokenRequest = {}) => tokens.get(request),
    /** All calls, typed by the OpenAPI document; see `unwrap`. */
    api,
  }
}

async function begin(api: Api, provider: string, purpose: Purpose, returnTo: string | undefined): Promise<string> {
  const body = { purpose, ...(returnTo === undefined ? {} : { return_to: returnTo }) }
  const begun = await unwrap(api.POST('/v1/auth/{provider}/start', { params: { path: { provider } }, body }))
  return expected(begun, (it) => typeof it.url === 'string').url
}
