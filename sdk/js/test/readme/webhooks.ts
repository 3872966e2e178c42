import { webhookHandler } from '@latchkey/server'
import { users } from './users.js'

export const POST = webhookHandler(process.env.WEBHOOK_SECRET, {
  'user.created': ({ data }) => users.save({ id: data.user_id, email: data.user?.primary_email }),
  'user.merged': ({ data }) => users.merge(data.from, data.into),
})
