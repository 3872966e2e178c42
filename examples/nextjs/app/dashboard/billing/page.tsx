import { auth } from '@/auth'

export default async function Billing() {
  const { methods } = await auth.protect({ recentlyVerified: true })
  return <h1>Billing, verified by {methods.join(', ')}</h1>
}
