import { verifyWebhook } from '@latchkey/server'
import { apply } from '@/lib/store'

export async function POST(request: Request) {
  let event
  try {
    event = await verifyWebhook(request, process.env.WEBHOOK_SECRET!)
  } catch {
    return new Response(null, { status: 400 })
  }
  apply(event)
  return new Response(null, { status: 204 })
}
