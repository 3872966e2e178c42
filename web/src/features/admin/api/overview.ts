import { useQuery } from '@tanstack/react-query'
import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'

const everyMs = 60_000

// useOverview counts what there is in this deployment, and what waits.
export function useOverview(enabled = true) {
  return useQuery({ queryKey: keys.admin('overview'), queryFn: () => data(api.GET('/v1/admin/overview')), refetchInterval: everyMs, enabled })
}
