// Signs in by the client of the MCP TypeScript SDK to the MCP server at RESOURCE, in the
// browser whose cookie is in COOKIE, and prints the tokens; see README.md. CLIENT_ID is
// the URL at which the client describes itself; without one, it registers itself.
import assert from 'node:assert/strict'
import { auth } from '@modelcontextprotocol/client'

const { ISSUER, CLIENT_ID, COOKIE, REDIRECT_URI, RESOURCE } = process.env

// newProvider is what an MCP client keeps of an authorization server.
function newProvider(known) {
  const kept = { ...known }
  return {
    kept,
    redirectUrl: REDIRECT_URI,
    clientMetadata: { client_name: 'Agent', redirect_uris: [REDIRECT_URI], grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: 'none' },
    clientMetadataUrl: known.clientMetadataUrl,
    state: () => 'state of the agent',
    clientInformation: () => kept.client,
    saveClientInformation: (client) => { kept.client = client },
    tokens: () => kept.tokens,
    saveTokens: (tokens) => { kept.tokens = tokens },
    saveCodeVerifier: (verifier) => { kept.verifier = verifier },
    codeVerifier: () => kept.verifier,
    discoveryState: () => kept.discovery,
    saveDiscoveryState: (state) => { kept.discovery = state },
    redirectToAuthorization: (to) => { kept.to = to },
  }
}

// By the metadata it is sent there without being registered. The SDK takes https alone.
const published = newProvider({ clientMetadataUrl: 'https://agent.example/client.json' })
assert.equal(await auth(published, { serverUrl: RESOURCE }), 'REDIRECT')
assert.equal(published.kept.to.searchParams.get('client_id'), 'https://agent.example/client.json')

const provider = newProvider(CLIENT_ID ? { client: { client_id: CLIENT_ID, issuer: ISSUER } } : {})
assert.equal(await auth(provider, { serverUrl: RESOURCE }), 'REDIRECT')
assert.equal(provider.kept.to.searchParams.get('resource'), RESOURCE)
assert.equal(provider.kept.to.origin, ISSUER)

// The browser: the person is asked, and agrees.
const visit = async (to) => {
  const answer = await fetch(to, { redirect: 'manual', headers: { cookie: COOKIE } })
  assert.equal(answer.status, 302, await answer.text())
  return new URL(answer.headers.get('location'), ISSUER)
}
const consent = await visit(provider.kept.to)
assert.equal(consent.pathname, '/consent')
const decided = await fetch(`${ISSUER}/v1/consent`, {
  method: 'POST',
  headers: { cookie: COOKIE, origin: ISSUER, 'content-type': 'application/json' },
  body: JSON.stringify({ request: consent.searchParams.get('request'), decision: 'allow' }),
})
assert.equal(decided.status, 200, await decided.clone().text())
const back = await visit(new URL((await decided.json()).url, ISSUER))
assert.equal(back.searchParams.get('state'), 'state of the agent')

const answered = { serverUrl: RESOURCE, authorizationCode: back.searchParams.get('code') }
// An answer of another server is not taken (RFC 9207).
await assert.rejects(auth(provider, { ...answered, iss: 'https://evil.example' }))
assert.equal(await auth(provider, { ...answered, iss: back.searchParams.get('iss') }), 'AUTHORIZED')
const first = provider.kept.tokens
assert.equal(await auth(provider, { serverUrl: RESOURCE }), 'AUTHORIZED')
assert.notEqual(provider.kept.tokens.refresh_token, first.refresh_token)

const called = await fetch(RESOURCE, { headers: { authorization: `Bearer ${provider.kept.tokens.access_token}` } })
console.log(JSON.stringify({ ...provider.kept.tokens, called: called.status }))
