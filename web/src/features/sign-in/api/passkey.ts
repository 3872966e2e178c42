import { type Api, data } from '../../../api/client'
import { isProblem, Problem } from '../../../api/problem'
import type { ProofResult, Purpose } from '../../../api/types'
import { forTicket } from '../../../auth/link-ticket'
import { Declined } from '../../../wallet/types'

// Codes of the app itself: what the browser says, and a passkey that no account has.
const EXISTS = 'passkey_exists'
const FAILED = 'passkey_failed'
const UNKNOWN = 'passkey_unknown'

// passkeysWork reports whether this browser has passkeys, and reads and writes them as
// JSON (WebAuthn level 3).
export function passkeysWork(): boolean {
  return typeof PublicKeyCredential === 'function' && 'parseRequestOptionsFromJSON' in PublicKeyCredential
}

interface Request {
  purpose: Purpose
  /** To link one that exists, such as that of another account. */
  existing?: boolean
  /** What to call a new one. */
  label?: string
  /** Waits among the suggestions of the page's fields until this ends it. */
  quietly?: AbortSignal
  /** Once a passkey was chosen, before the service has verified it. */
  onChosen?: () => void
}

// The request that waits among the suggestions: browsers take one at a time.
let waiting: AbortController | undefined

// provePasskey asks for a passkey, or for a new one, and hands it to the service. The
// purpose was fixed by the challenge.
export async function provePasskey(api: Api, { purpose, existing, label, quietly, onChosen }: Request): Promise<ProofResult> {
  const challenge = await data(api.POST('/v1/auth/passkey/challenge', { body: { purpose, ...(existing && { existing }) } }))
  if (!quietly) waiting?.abort()
  const credential = await ask(challenge, quietly)
  onChosen?.()
  const body = { credential: credential.toJSON() as Record<string, unknown>, delivery: 'cookie' as const, ...(label && { label }) }
  try {
    return await data(api.POST('/v1/auth/passkey/verify', { body: { ...body, ...(purpose === 'sign_in' && forTicket()) } }))
  } catch (error) {
    if (!isProblem(error, 'invalid_proof') || error.field !== 'id') throw error
    forgetUnknown(challenge.options, credential.id)
    throw new Problem({ code: UNKNOWN, status: error.status, ...(error.requestId !== undefined && { request_id: error.requestId }) })
  }
}

async function ask({ ceremony, options }: { ceremony: 'create' | 'get'; options: object }, quietly?: AbortSignal): Promise<PublicKeyCredential> {
  try {
    const credential =
      ceremony === 'create'
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options as PublicKeyCredentialCreationOptionsJSON) })
        : await navigator.credentials.get({
            publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options as PublicKeyCredentialRequestOptionsJSON),
            ...(quietly && { mediation: 'conditional' as const, signal: quietly }),
          })
    if (credential instanceof PublicKeyCredential) return credential
  } catch (error) {
    throw fault(error)
  }
  throw new Problem({ code: FAILED, status: 0 })
}

// fault is what a browser says, as an error with words. Cancelling, waiting too long and
// having no passkey here look the same.
function fault(error: unknown): Error {
  const name = error instanceof Error ? error.name : ''
  if (name === 'NotAllowedError' || name === 'AbortError') return new Declined()
  return new Problem({ code: name === 'InvalidStateError' ? EXISTS : FAILED, status: 0 })
}

// forgetUnknown lets the browser stop offering a passkey that no account has.
function forgetUnknown(options: { rpId?: unknown }, credentialId: string): void {
  const signal = (PublicKeyCredential as { signalUnknownCredential?: (unknown: { rpId: string; credentialId: string }) => Promise<void> }).signalUnknownCredential
  if (typeof options.rpId === 'string') signal?.call(PublicKeyCredential, { rpId: options.rpId, credentialId }).catch(() => undefined)
}

// A challenge lives ten minutes; one that waits is renewed before.
const renewEvery = 9 * 60_000

// offerPasskeys offers the passkeys of this browser among the suggestions of the field
// that asks for them (autocomplete="webauthn"), until one is chosen or it is stopped. Once
// one is, onProof has how it ends. Until then it is quiet: where the browser cannot, or the
// service does not answer, the button is left.
export function offerPasskeys(api: Api, onProof: (proof: Promise<ProofResult>) => void): () => void {
  let stopped = false
  let round: AbortController | undefined
  const rounds = async () => {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return
    while (!stopped) {
      const mine = new AbortController()
      round = waiting = mine
      let [renewed, chosen] = [false, false]
      const timer = setTimeout(() => {
        renewed = true
        mine.abort()
      }, renewEvery)
      const proof = new Promise<ProofResult>((resolve, reject) => {
        const onChosen = () => {
          clearTimeout(timer)
          chosen = true
          if (!stopped) onProof(proof)
        }
        provePasskey(api, { purpose: 'sign_in', quietly: mine.signal, onChosen }).then(resolve, reject)
      })
      const failed = await proof.then(
        () => false,
        () => true,
      )
      clearTimeout(timer)
      if (waiting === mine) waiting = undefined
      if (!failed || chosen || !renewed) return
    }
  }
  void rounds()
  return () => {
    stopped = true
    round?.abort()
  }
}
