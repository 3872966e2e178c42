import { useQuery } from '@tanstack/react-query'
import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'
import type { Team } from '../../../api/types'

// useOverview counts the members and sessions of a team, for those who manage it.
export function useOverview(team: Team) {
  return useQuery({
    queryKey: [...keys.team(team.id), 'overview'],
    queryFn: () => data(api.GET('/v1/teams/{team}/overview', { params: { path: { team: team.id } } })),
    enabled: team.role !== 'member',
  })
}
