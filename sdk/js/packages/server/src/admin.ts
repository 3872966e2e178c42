import { type components, type paths, unwrap } from '@latchkey/client'
import { type ServiceOptions, serviceApi } from './introspector.js'
import type { LatchkeyEvent, LatchkeyEventType } from './webhook.js'

type Schemas = components['schemas']
type Query<Path extends keyof paths> = paths[Path] extends { get: { parameters: { query?: infer Q } } } ? Exclude<Q, undefined> : never
type Json<Operation> = Operation extends { requestBody: { content: { 'application/json': infer B } } } ? B : never

/** A user, as the backend of the application sees them. */
export type KnownUser = Schemas['KnownUser']

/** The id of a user, which may be a former one, or the application's own id of them. */
export type UserRef = string | { externalId: string }

export interface UserQuery {
  ids?: readonly string[]
  /** A verified address. */
  email?: string
  wallet?: string
  limit?: number
  cursor?: string
}

export interface EventQuery {
  /** The `next_after` of the previous response; 0 for the oldest event that is kept. */
  after?: number
  types?: readonly LatchkeyEventType[]
  limit?: number
  /** How many seconds to wait for an event if there is none, at most 30. */
  wait?: number
}

const refOf = (ref: UserRef) => (typeof ref === 'string' ? ref : `ext:${ref.externalId}`)

/**
 * createAdmin returns a client of the API for backends, with an API key. The documentation of a call
 * names the scope that it needs, such as `users:read`. Calls throw a LatchkeyError.
 */
export function createAdmin(options: ServiceOptions) {
  const api = serviceApi({ timeout: 10_000, ...options })
  const longest = 30
  const patient = serviceApi({ ...options, timeout: (options.timeout ?? 10_000) + longest * 1000 })
  const user = (ref: UserRef) => ({ params: { path: { user_ref: refOf(ref) } } })
  const webhook = (id: string) => ({ params: { path: { webhook: id } } })

  async function list({ after = 0, types, wait = 0, limit }: EventQuery = {}): Promise<{ data: LatchkeyEvent[]; next_after: number }> {
    const query = { after, wait, ...(types === undefined ? {} : { types: types.join(',') }), ...(limit === undefined ? {} : { limit }) }
    const page = await unwrap((wait > 0 ? patient : api).GET('/v1/events', { params: { query } }))
    return page as typeof page & { data: LatchkeyEvent[] }
  }

  return {
    users: {
      get: (ref: UserRef) => unwrap(api.GET('/v1/users/{user_ref}', user(ref))),
      list: ({ ids, ...query }: UserQuery = {}) => unwrap(api.GET('/v1/users', { params: { query: { ...query, ...(ids === undefined ? {} : { ids: ids.join(',') }) } } })),
      /** create returns the user who has the external id, the address or the wallet, or creates one. */
      create: (body: Json<paths['/v1/users']['post']>) => unwrap(api.POST('/v1/users', { body })),
      update: (ref: UserRef, body: Json<paths['/v1/users/{user_ref}']['patch']>) => unwrap(api.PATCH('/v1/users/{user_ref}', { ...user(ref), body })),
      /** delete deletes the account after the grace. */
      delete: (ref: UserRef) => unwrap(api.DELETE('/v1/users/{user_ref}', user(ref))),
    },
    events: {
      list,
      /** read yields the events of the feed after `after`, and waits for more. Keep the `seq` of the last one to continue from there. */
      async *read({ after = 0, signal, ...query }: Omit<EventQuery, 'wait'> & { signal?: AbortSignal } = {}): AsyncGenerator<LatchkeyEvent, void, void> {
        for (let from = after; !signal?.aborted; ) {
          const page = await list({ ...query, after: from, wait: longest })
          yield* page.data
          from = page.next_after
        }
      },
    },
    webhooks: {
      list: (query: Query<'/v1/admin/webhooks'> = {}) => unwrap(api.GET('/v1/admin/webhooks', { params: { query } })),
      get: (id: string) => unwrap(api.GET('/v1/admin/webhooks/{webhook}', webhook(id))),
      /** create returns the webhook with its secret, which is shown only once. */
      create: (body: Json<paths['/v1/admin/webhooks']['post']>) => unwrap(api.POST('/v1/admin/webhooks', { body })),
      update: (id: string, body: Json<paths['/v1/admin/webhooks/{webhook}']['patch']>) => unwrap(api.PATCH('/v1/admin/webhooks/{webhook}', { ...webhook(id), body })),
      delete: (id: string) => unwrap(api.DELETE('/v1/admin/webhooks/{webhook}', webhook(id))),
      /** test sends `webhook.test`. */
      test: (id: string) => unwrap(api.POST('/v1/admin/webhooks/{webhook}/test', webhook(id))),
    },
    sessions: {
      list: (query: Query<'/v1/admin/sessions'> = {}) => unwrap(api.GET('/v1/admin/sessions', { params: { query } })),
      end: (session: string) => unwrap(api.DELETE('/v1/admin/sessions/{session}', { params: { path: { session } } })),
    },
    proofs: {
      /** create vouches for a person whom the backend has checked itself, and returns the ticket for their page. */
      create: (body: Json<paths['/v1/proofs']['post']>) => unwrap(api.POST('/v1/proofs', { body })),
    },
    /** All calls, typed by the OpenAPI document; see `unwrap` of @latchkey/client. */
    api,
  }
}

export type Admin = ReturnType<typeof createAdmin>
