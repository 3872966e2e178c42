// Signs in by the OpenID Connect clients that applications use, in the browser whose
// cookie is in COOKIE, and prints what each learned as one JSON object; see README.md.
import assert from 'node:assert/strict'
import { Auth, skipCSRFCheck } from '@auth/core'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { signIn } from './native.mjs'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, DEVICE_CLIENT_ID, NATIVE_CLIENT_ID, COOKIE, REDIRECT_URI } = process.env
const issuer = new URL(ISSUER)
const scope = 'openid profile email'

// visit is the browser: it goes to the authorization endpoint and is sent back.
async function visit(to) {
  const answer = await fetch(to, { redirect: 'manual', headers: { cookie: COOKIE } })
  assert.equal(answer.status, 302, await answer.text())
  return new URL(answer.headers.get('location'), ISSUER)
}

async function openidClient() {
  const config = await client.discovery(issuer, CLIENT_ID, CLIENT_SECRET, undefined, { execute: [client.allowInsecureRequests] })
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()]
  const to = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI, scope, state: expectedState, nonce: expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
  })
  const tokens = await client.authorizationCodeGrant(config, await visit(to), { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true })
  const { sub, sid } = tokens.claims()
  const info = await client.fetchUserInfo(config, tokens.access_token, sub)
  const next = await client.refreshTokenGrant(config, tokens.refresh_token)
  assert.equal((await client.tokenIntrospection(config, next.access_token)).active, true)
  await client.tokenRevocation(config, next.refresh_token)
  assert.equal((await client.tokenIntrospection(config, next.access_token)).active, false)
  await assert.rejects(client.refreshTokenGrant(config, next.refresh_token), { error: 'invalid_grant' })
  return { sub, sid, email: info.email }
}

// A device without a browser (RFC 8628): the person enters its code in theirs.
async function openidClientOnADevice() {
  const config = await client.discovery(issuer, DEVICE_CLIENT_ID, undefined, client.None(), { execute: [client.allowInsecureRequests] })
  const codes = await client.initiateDeviceAuthorization(config, { scope })
  assert.equal(new URL(codes.verification_uri_complete).searchParams.get('user_code'), codes.user_code)
  const call = async (path, body) => {
    const headers = { cookie: COOKIE, origin: issuer.origin, 'content-type': 'application/json' }
    const answer = await fetch(new URL(path, ISSUER), { method: 'POST', headers, body: JSON.stringify(body) })
    const text = await answer.text()
    assert.ok(answer.ok, text)
    return text
  }
  const { request } = JSON.parse(await call('/v1/device', { user_code: codes.user_code }))
  await call('/v1/device/decision', { request, decision: 'allow' })
  const tokens = await client.pollDeviceAuthorizationGrant(config, codes)
  const { sub, sid } = tokens.claims()
  const info = await client.fetchUserInfo(config, tokens.access_token, sub)
  await client.refreshTokenGrant(config, tokens.refresh_token)
  return { sub, sid, email: info.email }
}

async function oauth4webapi() {
  const insecure = { [oauth.allowInsecureRequests]: true }
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
  const me = { client_id: CLIENT_ID }
  const auth = oauth.ClientSecretBasic(CLIENT_SECRET)
  const [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()]
  const to = new URL(as.authorization_endpoint)
  to.search = new URLSearchParams({
    client_id: CLIENT_ID, redirect_uri: REDIRECT_URI, response_type: 'code', scope, state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  })
  const params = oauth.validateAuthResponse(as, me, await visit(to), state)
  const tokens = await oauth.processAuthorizationCodeResponse(
    as, me, await oauth.authorizationCodeGrantRequest(as, me, auth, params, REDIRECT_URI, verifier, insecure),
    { expectedNonce: nonce, requireIdToken: true },
  )
  const { sub, sid } = oauth.getValidatedIdTokenClaims(tokens)
  const info = await oauth.processUserInfoResponse(as, me, sub, await oauth.userInfoRequest(as, me, tokens.access_token, insecure))
  const next = await oauth.processRefreshTokenResponse(as, me, await oauth.refreshTokenGrantRequest(as, me, auth, tokens.refresh_token, insecure))
  // The access token as an API checks it (RFC 9068).
  const request = new Request('https://api.example.com', { headers: { authorization: `Bearer ${next.access_token}` } })
  assert.equal((await oauth.validateJwtAccessToken(as, request, ISSUER, insecure)).client_id, CLIENT_ID)
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, me, auth, next.refresh_token, insecure))
  return { sub, sid, email: info.email }
}

// An app that claims a scheme, as docs/applications.md shows it.
async function nativeApp() {
  const app = { issuer: ISSUER, clientId: NATIVE_CLIENT_ID, redirectUri: 'com.example.app:/callback', options: { [oauth.allowInsecureRequests]: true } }
  const { user } = await signIn({ ...app, open: visit })
  const forged = async (to) => {
    const back = await visit(to)
    back.searchParams.set('iss', 'https://evil.example')
    return back
  }
  await assert.rejects(signIn({ ...app, open: forged }))
  return { sub: user.sub, sid: user.sid, email: user.email }
}

// Auth.js sends no state by default.
async function authjs() {
  const base = new URL(REDIRECT_URI).origin
  const config = {
    basePath: '/auth', secret: 'a secret of the application', trustHost: true, skipCSRFCheck, useSecureCookies: false,
    providers: [{ id: 'latchkey', name: 'Latchkey', type: 'oidc', issuer: ISSUER, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, authorization: { params: { scope } } }],
    logger: { error: (e) => console.error(e, e.cause) },
  }
  const jar = new Map()
  const call = async (path, init) => {
    const answer = await Auth(new Request(base + path, { ...init, headers: { ...init?.headers, cookie: [...jar].map(([k, v]) => `${k}=${v}`).join('; ') } }), config)
    for (const line of answer.headers.getSetCookie()) jar.set(...line.split(';')[0].split(/=(.*)/s).slice(0, 2))
    return answer
  }
  const begun = await call('/auth/signin/latchkey', { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: '' })
  const to = new URL(begun.headers.get('location'))
  assert.equal(to.searchParams.has('state'), false)
  const back = await visit(to)
  assert.equal((await call(back.pathname + back.search)).status, 302)
  const session = await (await call('/auth/session')).json()
  return { sub: session.user && to.searchParams.get('client_id') === CLIENT_ID ? 'signed in' : '', email: session.user?.email }
}

const onADevice = openidClientOnADevice() // it waits for seconds: the others go on meanwhile
console.log(
  JSON.stringify({ 'openid-client': await openidClient(), oauth4webapi: await oauth4webapi(), '@auth/core': await authjs(), 'a native app': await nativeApp(), 'openid-client on a device': await onADevice }),
)
