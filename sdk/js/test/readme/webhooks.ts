import { LatchkeyError, verifyWebhook } from '@latchkey/server'

export async function receive(request: Request, secret: string, seen: Set<string>): Promise<Response> {
  try {
    const event = await verifyWebhook(request, secret)
    if (seen.has(event.id)) return new Response(null, { status: 204 }) // deliveries are repeated
    if (event.type === 'user.merged') console.log(`${event.data.from} is ${event.data.into} now`)
    seen.add(event.id)
    return new Response(null, { status: 204 })
  } catch (error) {
    if (error instanceof LatchkeyError) return new Response(error.message, { status: error.status })
    throw error
  }
}
