import { navigationPending } from '../../../api/change'
import { api, data } from '../../../api/client'
import { type Pending, savePending } from '../../../auth/pending'
import { leaveFor } from '../../../auth/return-to'

// leaveForProvider begins a link or a step-up and leaves for the provider. It
// ends by an error only: the page is being left.
export async function leaveForProvider(provider: string, purpose: Pending['leg'], returnTo: string, intent?: Omit<Pending, 'leg'>): Promise<never> {
  const { url } = await data(api.POST('/v1/auth/{provider}/start', { params: { path: { provider } }, body: { purpose, return_to: returnTo } }))
  if (intent) savePending({ ...intent, leg: purpose })
  leaveFor(url)
  return navigationPending()
}
