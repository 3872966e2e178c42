import { expect, expectTypeOf, test, vi } from 'vitest'
import { createResource, errorResponse, LatchkeyError, type Principal, type Role, requireScope, requireTeamRole, type User } from './index.js'

const user: User = { type: 'user', id: 'ada', session: 's', client: 'web', scopes: ['read'], methods: ['google'], expiresAt: new Date() }
const at = (role: Role): User => ({ ...user, team: 'acme', role })

function thrownBy(run: () => void): LatchkeyError | undefined {
  try {
    run()
  } catch (error) {
    return error as LatchkeyError
  }
  return undefined
}

test('owner is more than admin, admin more than member', () => {
  const order: Role[] = ['member', 'admin', 'owner']
  for (const [has, role] of order.entries()) {
    for (const [needs, needed] of order.entries()) {
      expect(thrownBy(() => requireTeamRole(at(role), needed))?.code, `${role} as ${needed}`).toBe(has >= needs ? undefined : 'forbidden')
    }
  }
})

test('the team is the one that was asked for', () => {
  expect(thrownBy(() => requireTeamRole(at('owner'), 'member', { team: 'acme' }))).toBeUndefined()
  for (const team of ['other', '']) expect(thrownBy(() => requireTeamRole(at('owner'), 'member', { team }))).toMatchObject({ code: 'forbidden', status: 403 })
  expect(thrownBy(() => requireTeamRole(user, 'member'))).toMatchObject({ code: 'team_session_required', status: 403 })
})

test('a role that there is not is a fault of the caller', () => {
  for (const role of ['root', 'toString', '__proto__']) expect(() => requireTeamRole(at('owner'), role as Role)).toThrow(TypeError)
  expect(thrownBy(() => requireTeamRole({ ...user, team: 'acme', role: 'toString' as Role }, 'member'))).toMatchObject({ status: 403 })
})

test('afterwards the team is known to be there', () => {
  const principal: Principal = at('admin')
  requireTeamRole(principal, 'admin')
  expectTypeOf(principal.team).toEqualTypeOf<string>()
})

test('scopes', () => {
  requireScope(user, 'read')
  expect(thrownBy(() => requireScope(user, 'read', 'write'))).toMatchObject({ code: 'insufficient_scope', status: 403 })
})

const resource = createResource({ issuer: 'https://auth.example.com/', resource: 'https://mcp.example.com/mcp', scopes: ['tools:read'], name: 'Tools' })

test('the metadata of a resource is where RFC 9728 has it', async () => {
  expect(resource.metadataUrl).toBe('https://mcp.example.com/.well-known/oauth-protected-resource/mcp')
  const answer = resource.handle(new Request(resource.metadataUrl))
  expect(answer?.headers.get('access-control-allow-origin')).toBe('*')
  expect(await answer?.json()).toEqual({
    resource: 'https://mcp.example.com/mcp',
    authorization_servers: ['https://auth.example.com'],
    bearer_methods_supported: ['header'],
    scopes_supported: ['tools:read'],
    resource_name: 'Tools',
  })
  expect(resource.handle(new Request('https://mcp.example.com/mcp'))).toBeUndefined()
  expect(resource.handle(new Request(resource.metadataUrl, { method: 'POST' }))?.status).toBe(405)
  expect(createResource({ issuer: 'https://auth.example.com', resource: 'https://mcp.example.com' }).metadataUrl).toBe(
    'https://mcp.example.com/.well-known/oauth-protected-resource',
  )
})

test('a refusal is one of RFC 6750', async () => {
  const of = (code: string, status: number, field?: string) => errorResponse(new LatchkeyError('no "token"', { code, status, field }), resource.challenge)
  const metadata = 'resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"'
  expect(of('unauthenticated', 401).headers.get('www-authenticate')).toBe(`Bearer scope="tools:read", ${metadata}`)
  expect(of('unauthenticated', 401, 'authorization').headers.get('www-authenticate')).toBe(`Bearer error="invalid_token", scope="tools:read", ${metadata}`)
  expect(of('insufficient_scope', 403).headers.get('www-authenticate')).toContain('error="insufficient_scope"')
  expect(of('forbidden', 403).headers.get('www-authenticate')).toBeNull()
  vi.spyOn(console, 'error').mockReturnValue()
  for (const status of [0, 429, 500, 503]) {
    const answer = of('network_error', status)
    expect([answer.status, answer.headers.get('retry-after'), answer.headers.get('www-authenticate')]).toEqual([503, '5', null])
    expect(await answer.json()).toMatchObject({ code: 'unavailable' })
  }
  expect(() => errorResponse(new Error('a fault of the program'))).toThrow('a fault of the program')
})
