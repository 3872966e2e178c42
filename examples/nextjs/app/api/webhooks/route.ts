import { webhookHandler } from '@latchkey/server'
import { apply } from '@/lib/store'

export const POST = webhookHandler(process.env.WEBHOOK_SECRET, apply)
