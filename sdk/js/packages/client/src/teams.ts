import { type Api, unwrap } from './api.js'
import type { components, paths } from './schema.gen.js'

type Page = { limit?: number; cursor?: string }
type Role = components['schemas']['Role']
type Invite = paths['/v1/teams/{team}/invitations']['post']['requestBody']['content']['application/json']

/** teams has the calls about teams and their members. */
export function teams(api: Api) {
  const at = (team: string) => ({ params: { path: { team } } })
  const listed = (team: string, query: Page) => ({ params: { path: { team }, query } })
  return {
    list: (page: Page = {}) => unwrap(api.GET('/v1/teams', { params: { query: page } })),
    create: (name: string) => unwrap(api.POST('/v1/teams', { body: { name } })),
    get: (team: string) => unwrap(api.GET('/v1/teams/{team}', at(team))),
    rename: (team: string, name: string) => unwrap(api.PATCH('/v1/teams/{team}', { ...at(team), body: { name } })),
    delete: (team: string) => unwrap(api.DELETE('/v1/teams/{team}', at(team))),
    /** enter makes this session active in the team; `policy_unsatisfied` names what is missing. */
    enter: (team: string) => unwrap(api.POST('/v1/teams/{team}/sessions', at(team))),
    members: {
      list: (team: string, page: Page = {}) => unwrap(api.GET('/v1/teams/{team}/members', listed(team, page))),
      setRole: (team: string, user: string, role: Role) => unwrap(api.PATCH('/v1/teams/{team}/members/{user}', { params: { path: { team, user } }, body: { role } })),
      /** remove also lets a member leave by themselves. */
      remove: (team: string, user: string) => unwrap(api.DELETE('/v1/teams/{team}/members/{user}', { params: { path: { team, user } } })),
    },
    invitations: {
      list: (team: string, page: Page = {}) => unwrap(api.GET('/v1/teams/{team}/invitations', listed(team, page))),
      create: (team: string, body: Invite) => unwrap(api.POST('/v1/teams/{team}/invitations', { ...at(team), body })),
      cancel: (team: string, invitation: string) => unwrap(api.DELETE('/v1/teams/{team}/invitations/{invitation}', { params: { path: { team, invitation } } })),
    },
  }
}
