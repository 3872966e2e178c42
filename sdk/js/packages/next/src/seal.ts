import { EncryptJWT, type JWTPayload, jwtDecrypt } from 'jose'

// Sealer encrypts what the application keeps in the browser (JWE, dir, A256GCM).
export interface Sealer {
  seal(use: Use, value: object, seconds: number): Promise<string>
  /** Returns what was sealed for this use, and undefined for anything else: forged, cut, expired, of another application. */
  open<T>(use: Use, sealed: string): Promise<T | undefined>
}

// Use is what a value was sealed for: it cannot be opened for another use.
export type Use = 'session' | 'sign-in'

// newSealer returns a Sealer that seals with the first secret and opens with all of them.
// context names the application, so that it does not accept cookies of another one with the
// same secret.
export function newSealer(secrets: readonly string[], context: string): Sealer {
  const keys = new Map<Use, Promise<Uint8Array[]>>()
  const keysFor = (use: Use) => {
    let all = keys.get(use)
    if (!all) {
      all = Promise.all(secrets.map((secret) => derive(secret, `@latchkey/next ${use} ${context}`)))
      keys.set(use, all)
    }
    return all
  }
  return {
    async seal(use, value, seconds) {
      const [key] = await keysFor(use)
      return new EncryptJWT({ v: value } as JWTPayload).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).setExpirationTime(`${seconds} seconds`).encrypt(key!)
    },
    async open<T>(use: Use, sealed: string) {
      for (const key of await keysFor(use)) {
        try {
          const { payload } = await jwtDecrypt(sealed, key, { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'], requiredClaims: ['exp'] })
          return payload['v'] as T
        } catch {
          // Sealed with another key, or by another application.
        }
      }
      return undefined
    },
  }
}

// derive returns a key of 256 bits (HKDF, RFC 5869).
async function derive(secret: string, info: string): Promise<Uint8Array> {
  const text = new TextEncoder()
  const key = await crypto.subtle.importKey('raw', text.encode(secret), 'HKDF', false, ['deriveBits'])
  return new Uint8Array(await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: text.encode(info) }, key, 256))
}
