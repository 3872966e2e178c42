// Signs a person in on their own device: in an app whose pages are in a web view, or in a
// browser extension. open leads the person's browser to an address and resolves to the one
// at redirectUri that it comes back to.
import * as oauth from 'oauth4webapi'

export async function signIn({ issuer, clientId, redirectUri, open, options = {} }) {
  const at = new URL(issuer)
  const server = await oauth.processDiscoveryResponse(at, await oauth.discoveryRequest(at, options))
  const client = { client_id: clientId }
  const [state, nonce, verifier] = [oauth.generateRandomState(), oauth.generateRandomNonce(), oauth.generateRandomCodeVerifier()]
  const to = new URL(server.authorization_endpoint)
  to.search = new URLSearchParams({
    client_id: clientId, redirect_uri: redirectUri, response_type: 'code', scope: 'openid profile email offline_access', state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  })
  const answer = oauth.validateAuthResponse(server, client, new URL(await open(to.href)), state) // its state and issuer
  const response = await oauth.authorizationCodeGrantRequest(server, client, oauth.None(), answer, redirectUri, verifier, options)
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, { expectedNonce: nonce, requireIdToken: true })
  return { user: oauth.getValidatedIdTokenClaims(tokens), tokens }
}
