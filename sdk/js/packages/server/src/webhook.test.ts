import { createHmac, randomBytes } from 'node:crypto'
import { expect, expectTypeOf, test } from 'vitest'
import { LatchkeyError, type LatchkeyEvent, verifyWebhook, webhookHandler } from './index.js'

const secret = `whsec_${randomBytes(32).toString('base64')}`
const other = `whsec_${randomBytes(32).toString('base64')}`
const event = {
  id: '018f4e0a-5b1c-7d3e-9a2b-3c4d5e6f7a8b',
  type: 'user.merged',
  seq: 42,
  at: '2026-03-01T12:00:00Z',
  api_version: 'v1',
  data: { user_id: 'a', from: 'b', into: 'a' },
}

interface Changes {
  body?: string
  signed?: string
  id?: string
  /** Seconds after now. */
  later?: number
  by?: string
  headers?: Record<string, string>
}

function delivery({ body = JSON.stringify(event), signed = body, id = event.id, later = 0, by = secret, headers = {} }: Changes = {}): Request {
  const timestamp = String(Math.floor(Date.now() / 1000 + later))
  const signature = createHmac('sha256', Buffer.from(by.slice(6), 'base64'))
    .update(`${id}.${timestamp}.${signed}`)
    .digest('base64')
  return new Request('https://app.example.com/webhooks', {
    method: 'POST',
    body,
    headers: { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}`, ...headers },
  })
}

test('an event is narrowed by its type', async () => {
  const got = await verifyWebhook(delivery(), secret)
  expect(got).toEqual(event)
  if (got.type === 'user.merged') expectTypeOf(got.data.into).toEqualTypeOf<string>()
  if (got.type === 'user.created') expectTypeOf(got.data.user?.primary_email).toEqualTypeOf<string | null | undefined>()
  expectTypeOf<Extract<LatchkeyEvent, { type: 'session.ended' }>['data']['session_ids']>().toEqualTypeOf<string[]>()
})

test('while the secret is rotated, one of two signatures by one of two secrets is enough', async () => {
  expect(await verifyWebhook(delivery(), [other, secret])).toEqual(event)
  const signature = delivery().headers.get('webhook-signature')
  expect(await verifyWebhook(delivery({ headers: { 'webhook-signature': `v1a,AAAA v1,AAAA ${signature}` } }), secret)).toEqual(event)
})

test.each<[string, Changes]>([
  ['another secret', { by: other }],
  ['another body', { signed: JSON.stringify({ ...event, type: 'user.deleted' }) }],
  ['another id', { body: JSON.stringify({ ...event, id: 'another' }) }],
  ['an old one', { later: -301 }],
  ['one of the future', { later: 330 }],
  ['no id', { headers: { 'webhook-id': '' } }],
  ['no time', { headers: { 'webhook-timestamp': '' } }],
  ['a time that is none', { headers: { 'webhook-timestamp': 'NaN' } }],
  ['no signature', { headers: { 'webhook-signature': '' } }],
  ['an empty signature', { headers: { 'webhook-signature': 'v1,' } }],
  ['no base64', { headers: { 'webhook-signature': 'v1,%%%' } }],
  ['another version', { headers: { 'webhook-signature': delivery().headers.get('webhook-signature')!.replace('v1,', 'v2,') } }],
  ['a body that is no JSON', { body: 'hello' }],
  ['a body that is no event', { body: 'null' }],
  ['a body that is too large', { body: JSON.stringify({ ...event, more: 'x'.repeat(1 << 20) }) }],
])('refuses %s', async (_, changes) => {
  const error: unknown = await verifyWebhook(delivery(changes), secret).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(LatchkeyError)
  expect(error).toMatchObject({ code: 'invalid_webhook', status: 400 })
})

test('a body without an end is read no further than an event can be long', async () => {
  let sent = 0
  const body = new ReadableStream({
    pull(controller) {
      sent += 1 << 16
      controller.enqueue(new Uint8Array(1 << 16))
    },
  })
  const { url, headers } = delivery()
  const endless = new Request(url, { method: 'POST', headers, body, duplex: 'half' } as RequestInit) // it names no length
  await expect(verifyWebhook(endless, secret)).rejects.toMatchObject({ code: 'invalid_webhook', status: 400 })
  expect(sent).toBeLessThan(1 << 21)
})

test('a handler gets the events of its type, and all others are taken', async () => {
  const merged: string[] = []
  const post = webhookHandler(secret, { 'user.merged': ({ data }) => merged.push(data.from) })
  expect((await post(delivery())).status).toBe(204)
  for (const type of ['user.created', 'toString', 'later.type']) expect((await post(delivery({ body: JSON.stringify({ ...event, type }) }))).status).toBe(204)
  expect(merged).toEqual(['b'])
  const forged = await post(delivery({ by: other }))
  expect([forged.status, await forged.json()]).toEqual([400, expect.objectContaining({ code: 'invalid_webhook' })])
  const all: LatchkeyEvent[] = []
  await webhookHandler([secret], (one) => all.push(one))(delivery())
  expect(all).toEqual([event])
  const failing = webhookHandler(secret, async () => Promise.reject(new Error('no database')))
  await expect(failing(delivery())).rejects.toThrow('no database')
  await expect(webhookHandler(undefined, {})(delivery())).rejects.toThrow(TypeError)
})

test('a receiver without a secret lets nothing pass', async () => {
  for (const none of ['', 'undefined', 'whsec_', 'whsec_AAAA', []]) await expect(verifyWebhook(delivery(), none)).rejects.toThrow(TypeError)
})
