import { navigationPending, useChange } from '../api/change'
import { api, data } from '../api/client'
import { keptMail } from './pending'

// useSignOut ends the session and goes on to `to`: a new load, so that nothing of this
// person is left in the page's memory.
export function useSignOut(to: string) {
  return useChange({
    mutationFn: () => data(api.DELETE('/v1/session')),
    onSuccess: () => {
      keptMail.set(undefined)
      location.assign(to)
      return navigationPending()
    },
  })
}
