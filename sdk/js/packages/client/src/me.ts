import { type Api, unwrap } from './api.js'
import type { paths } from './schema.gen.js'

type Patch = paths['/v1/me']['patch']['requestBody']['content']['application/json']
type Page = { limit?: number; cursor?: string }

/** me has the calls about the signed-in user. */
export function me(api: Api) {
  return {
    get: () => unwrap(api.GET('/v1/me')),
    update: (body: Patch) => unwrap(api.PATCH('/v1/me', { body })),
    /** export returns everything that is kept about the person. */
    export: () => unwrap(api.GET('/v1/me/export')),
    identities: {
      list: (page: Page = {}) => unwrap(api.GET('/v1/me/identities', { params: { query: page } })),
      unlink: (identity: string) => unwrap(api.DELETE('/v1/me/identities/{identity}', { params: { path: { identity } } })),
    },
    sessions: {
      list: (page: Page = {}) => unwrap(api.GET('/v1/me/sessions', { params: { query: page } })),
      end: (session: string) => unwrap(api.DELETE('/v1/me/sessions/{session}', { params: { path: { session } } })),
      endOthers: () => unwrap(api.DELETE('/v1/me/sessions', { params: { query: { others: true } } })),
    },
    invitations: {
      list: (page: Page = {}) => unwrap(api.GET('/v1/me/invitations', { params: { query: page } })),
      accept: (invitation: string) => unwrap(api.POST('/v1/me/invitations/{invitation}/accept', { params: { path: { invitation } } })),
      decline: (invitation: string) => unwrap(api.POST('/v1/me/invitations/{invitation}/decline', { params: { path: { invitation } } })),
    },
  }
}
