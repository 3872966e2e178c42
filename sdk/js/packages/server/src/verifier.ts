import { LatchkeyError } from '@latchkey/client'
import { type JWTPayload, jwtVerify } from 'jose'
import { createKeys, type KeysOptions } from './keys.js'
import { type Authenticator, authenticator, invalidToken, principalOf } from './principal.js'
import { isUser } from './roles.js'

export interface VerifierOptions extends KeysOptions {
  /** The audience of the client in LATCHKEY_CLIENTS, or the resource. A token for another API is refused. */
  audience: string | string[]
  /** How many seconds the clocks may differ. The default is 5. */
  leeway?: number | undefined
}

export type Verifier = Authenticator<never>

// Latchkey's tokens have about 700 characters.
const maxLength = 8192

/**
 * createVerifier verifies access tokens (RFC 9068) by the public keys of the service, without
 * a request for each. Create it once, not for each request.
 */
export function createVerifier({ issuer, audience, leeway = 5, ...options }: VerifierOptions): Verifier {
  if (!URL.canParse(issuer)) throw new TypeError('issuer must be LATCHKEY_PUBLIC_URL')
  // Without an audience jose would take a token for any API.
  if (audience.length === 0 || [audience].flat().includes('')) throw new TypeError('audience must not be empty')
  const keys = createKeys({ issuer, ...options })
  const expected = {
    issuer: issuer.replace(/\/+$/, ''),
    // The audience of an API key's tokens is Latchkey itself.
    audience: [...[audience].flat(), issuer.replace(/\/+$/, '')],
    typ: 'at+jwt',
    algorithms: ['EdDSA', 'ES256'],
    clockTolerance: leeway,
    requiredClaims: ['exp', 'iat', 'sub', 'client_id'],
  }
  return authenticator(async (token) => {
    if (typeof token !== 'string' || token.length > maxLength) throw invalidToken('this is not an access token')
    let payload: JWTPayload
    try {
      payload = (await jwtVerify(token, keys, expected)).payload
    } catch (cause) {
      if (cause instanceof LatchkeyError) throw cause // the keys cannot be fetched
      throw invalidToken('the access token is not valid', cause)
    }
    const principal = principalOf(payload)
    if (isUser(principal) && ![payload.aud].flat().some((one) => one !== undefined && [audience].flat().includes(one))) throw invalidToken('the token is for another API')
    return principal
  })
}
