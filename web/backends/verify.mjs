import { createRemoteJWKSet, jwtVerify } from 'jose'

// verifier takes LATCHKEY_PUBLIC_URL and the audience of LATCHKEY_CLIENTS. What it
// returns tells who sent a request with this Authorization header, or throws: then
// answer 401. Nothing else tells who it was: no body, no other header. The keys are
// kept for a minute, and fetched before when a token names one that is not known.
export function verifier({ issuer, audience }) {
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer), { cacheMaxAge: 60_000 })
  return async (authorization) => {
    const [scheme, token] = (authorization ?? '').split(' ')
    if (scheme.toLowerCase() !== 'bearer' || !token) throw new Error('no bearer token')
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      typ: 'at+jwt',
      algorithms: ['EdDSA', 'ES256'],
      requiredClaims: ['exp', 'sub', 'sid'],
    })
    return { id: payload.sub, session: payload.sid, team: payload.team, role: payload.role }
  }
}
