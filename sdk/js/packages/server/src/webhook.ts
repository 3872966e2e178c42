import { type components, LatchkeyError } from '@latchkey/client'
import { readBody } from './body.js'
import { errorResponse } from './response.js'

type Schemas = components['schemas']
type Data = Schemas['EventData']

/** An event of one type. */
export type LatchkeyEventOf<Type extends keyof Data> = Type extends keyof Data ? Omit<Schemas['FeedEvent'], 'type' | 'data'> & { type: Type; data: Data[Type] } : never

/** An event of the feed. Narrow it by its `type`, and ignore types that you do not know: a newer service has more. */
export type LatchkeyEvent = LatchkeyEventOf<keyof Data>

export type LatchkeyEventType = LatchkeyEvent['type']

// As the Standard Webhooks libraries have it: the time is signed, so an old delivery cannot be sent again.
const tolerance = 5 * 60
const maxBytes = 1 << 20

function invalid(message: string): LatchkeyError {
  return new LatchkeyError(message, { code: 'invalid_webhook', status: 400 })
}

/**
 * verifyWebhook returns the event of a delivery, once its signature (Standard Webhooks) and its time are right. Otherwise it throws
 * a LatchkeyError with the code `invalid_webhook`: answer 400. Deliveries are repeated: drop those whose `id` you have.
 *
 * The secret is the one that creating the webhook returned, `whsec_…`; while it is rotated, both.
 */
export async function verifyWebhook(request: Request, secret: string | readonly string[]): Promise<LatchkeyEvent> {
  const keys = [secret].flat().map(keyOf)
  if (keys.length === 0) throw new TypeError('a webhook needs a secret')
  const id = request.headers.get('webhook-id')
  const timestamp = request.headers.get('webhook-timestamp')
  const signatures = request.headers.get('webhook-signature')
  if (!id || !timestamp || !signatures) throw invalid('the headers webhook-id, webhook-timestamp and webhook-signature are required')
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > tolerance) throw invalid('the webhook is too old, or from the future')
  const body = await readBody(request, maxBytes)
  if (!body) throw invalid('the webhook is too large')
  const head = new TextEncoder().encode(`${id}.${timestamp}.`)
  const signed = new Uint8Array(head.length + body.length)
  signed.set(head)
  signed.set(body, head.length)

  const given = signatures.split(' ').flatMap((entry) => {
    const [version, signature] = entry.split(',')
    const bytes = version === 'v1' && signature ? bytesOf(signature) : undefined
    return bytes ? [bytes] : []
  })
  for (const key of keys) {
    const hmac = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
    for (const signature of given.slice(0, 8)) {
      if (await crypto.subtle.verify('HMAC', hmac, signature, signed)) return eventOf(body, id)
    }
  }
  throw invalid('the signature does not match')
}

/** What to do with events, by their type. */
export type WebhookHandlers = { [Type in LatchkeyEventType]?: (event: LatchkeyEventOf<Type>) => unknown }

/**
 * webhookHandler returns a handler of requests, such as `POST` of a route in Next.js, that does something with each event: by its type,
 * or with all of them. It answers 204 when that is done, and 400 for what is not from Latchkey. What throws is delivered again, and so
 * are events of which the answer was lost: drop those whose `id` you have, or do what can be done twice.
 */
export function webhookHandler(
  secret: string | readonly string[] | undefined,
  handle: WebhookHandlers | ((event: LatchkeyEvent) => unknown),
): (request: Request) => Promise<Response> {
  return async (request) => {
    let event: LatchkeyEvent
    try {
      event = await verifyWebhook(request, secret ?? [])
    } catch (error) {
      return errorResponse(error)
    }
    const one = typeof handle === 'function' ? handle : Object.hasOwn(handle, event.type) ? (handle[event.type] as ((event: LatchkeyEvent) => unknown) | undefined) : undefined
    await one?.(event)
    return new Response(null, { status: 204 })
  }
}

function eventOf(body: Uint8Array, id: string): LatchkeyEvent {
  let event: LatchkeyEvent | null
  try {
    event = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as LatchkeyEvent | null
  } catch {
    throw invalid('the webhook is not JSON')
  }
  if (event?.id !== id || typeof event.type !== 'string' || typeof event.data !== 'object') throw invalid('the webhook has no event')
  return event
}

// keyOf throws a TypeError if the secret is missing or malformed: that is a mistake of the receiver, and no delivery is accepted.
function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  const bytes = typeof secret === 'string' && secret.startsWith('whsec_') ? bytesOf(secret.slice('whsec_'.length)) : undefined
  if (!bytes || bytes.length < 16) throw new TypeError('a webhook secret begins with whsec_')
  return bytes
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}
