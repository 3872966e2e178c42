import { type InfiniteData, type QueryClient, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { rememberLabels } from '../auth/providers'
import { walletOf } from '../wallet/types'
import { api, data } from './client'
import { isProblem } from './problem'
import type { paths } from './schema.gen'
import type { CurrentSession, Identity, ProblemDocument, UserSummary } from './types'

// Every key of the cache, so that what one page changes another page refreshes.
export const keys = {
  providers: ['providers'] as const,
  session: ['session'] as const,
  ending: ['ending'] as const,
  mine: ['mine'] as const,
  identities: ['mine', 'identities'] as const,
  devices: ['mine', 'devices'] as const,
  grants: ['mine', 'grants'] as const,
  consent: (request: string) => ['mine', 'consent', request] as const,
  emails: ['mine', 'emails'] as const,
  me: ['mine', 'me'] as const,
  linkRequests: ['mine', 'link requests'] as const,
  history: ['mine', 'history'] as const,
  export: ['mine', 'export'] as const,
  merges: ['mine', 'merges'] as const,
  merge: (ticket: string, ...chosen: unknown[]) => ['mine', 'merge', ticket, ...chosen] as const,
  recovery: ['mine', 'recovery'] as const,
  invitations: ['mine', 'invitations'] as const,
  teams: ['teams'] as const,
  team: (team: string) => ['teams', team] as const,
  teamSessions: (team: string) => ['teams', team, 'sessions'] as const,
  policy: (team: string) => ['teams', team, 'policy'] as const,
  teamAudit: (team: string) => ['teams', team, 'audit'] as const,
  members: (team: string) => ['teams', team, 'members'] as const,
  teamKeys: (team: string) => ['teams', team, 'api keys'] as const,
  teamInvitations: (team: string) => ['teams', team, 'invitations'] as const,
  operator: ['admin'] as const,
  admin: (list: string, ...filter: string[]) => ['admin', list, ...filter] as const,
}

const isPersonal = ({ queryKey }: { queryKey: readonly unknown[] }) => queryKey[0] !== keys.providers[0] && queryKey[0] !== keys.session[0]

// forgetPerson drops everything that belongs to the user who was signed in.
export function forgetPerson(client: QueryClient): Promise<void> {
  client.removeQueries({ predicate: isPersonal })
  return client.invalidateQueries({ queryKey: keys.session })
}

// refreshTeam reloads everything that is shown of a team, and whether this session
// is active in it.
export function refreshTeam(client: QueryClient, team: string): Promise<unknown> {
  return Promise.all([client.invalidateQueries({ queryKey: keys.team(team) }), client.invalidateQueries({ queryKey: keys.session })])
}

// refreshPerson reloads what is shown of the signed-in user.
export function refreshPerson(client: QueryClient): Promise<unknown> {
  return Promise.all([client.invalidateQueries({ queryKey: keys.mine }), client.invalidateQueries({ queryKey: keys.session })])
}

// resetAllQueries reloads everything, as for another account: cached data is not
// shown meanwhile.
export function resetAllQueries(client: QueryClient): Promise<void> {
  return client.resetQueries({ predicate: ({ queryKey }) => queryKey[0] !== keys.providers[0] })
}

// The provider links that the server wrote into the page (web/page.go).
const serverLinks = Array.from(globalThis.document?.querySelectorAll<HTMLElement>('[data-provider]') ?? [], (link) => ({
  name: link.dataset['provider']!,
  kind: 'redirect' as const,
  label: link.dataset['label']!,
}))
rememberLabels(serverLinks)

type Offer = paths['/v1/auth/providers']['get']['responses']['200']['content']['application/json']

function useOffer<T>(select: (offer: Offer) => T) {
  return useQuery({
    queryKey: keys.providers,
    queryFn: async () => {
      const offer = await data(api.GET('/v1/auth/providers'))
      rememberLabels(offer.data)
      return offer
    },
    staleTime: 5 * 60_000,
    // What the page had before its script, so that nothing vanishes meanwhile.
    ...(serverLinks.length > 0 ? { placeholderData: { data: serverLinks } } : {}),
    select,
  })
}

export const useProviders = () => useOffer((offer) => offer.data)

// useReturnOrigins are the other applications that a sign-in may lead to, as the
// service says; undefined: not known yet.
export function useReturnOrigins() {
  const offer = useOffer((known) => known.return_origins ?? [])
  return offer.isPlaceholderData ? undefined : offer.data
}

// withPrimaryWallet adds the wallet by which a person without a name and an address is
// shown, which a session does not include.
async function withPrimaryWallet(current: CurrentSession): Promise<CurrentSession & { user: Pick<UserSummary, 'primary_wallet'> }> {
  const { user } = current
  if (user.display_name.trim() || user.primary_email) return current
  const ways = await api.GET('/v1/me/identities').catch(() => undefined)
  const primary_wallet = walletOf(ways?.data?.data)
  return primary_wallet ? { ...current, user: { ...user, primary_wallet } } : current
}

// useSession returns null if no user is signed in.
export function useSession() {
  return useQuery({
    queryKey: keys.session,
    queryFn: async ({ client }) => {
      try {
        const current = await withPrimaryWallet(await data(api.GET('/v1/session')))
        const before = client.getQueryData<CurrentSession | null>(keys.session)
        // Signed in in another window: nothing that is shown is theirs.
        if (before !== undefined && before?.user.id !== current.user.id) void client.resetQueries({ predicate: isPersonal })
        return current
      } catch (error) {
        if (isProblem(error, 'unauthenticated')) {
          client.setQueryData(keys.ending, error.ended ?? null)
          return null
        }
        throw error
      }
    },
  })
}

// useEnding is how the session ended that this browser had, if the service knows.
export function useEnding(): NonNullable<ProblemDocument['ended']> | null {
  const client = useQueryClient()
  useSession()
  return client.getQueryData<ProblemDocument['ended']>(keys.ending) ?? null
}

export interface Page<T> {
  data: T[]
  next_cursor: string | null
  /** Of all pages, where the service counts them. */
  total?: number
}

// usePages reads a list page by page.
export function usePages<T>(
  queryKey: readonly unknown[],
  fetchPage: (query: { cursor?: string }) => Promise<Page<T>>,
  options: { enabled?: boolean; refetchInterval?: number } = {},
) {
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }) => fetchPage(pageParam === null ? {} : { cursor: pageParam }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    ...options,
  })
  return { ...query, rows: query.data?.pages.flatMap((page) => page.data) }
}

export function useIdentities(enabled = true) {
  return usePages(keys.identities, (query) => data(api.GET('/v1/me/identities', { params: { query } })), { enabled })
}

// knownIdentities are the identities that useIdentities has loaded.
export function knownIdentities(client: QueryClient): Identity[] {
  return client.getQueryData<InfiniteData<Page<Identity>>>(keys.identities)?.pages.flatMap((page) => page.data) ?? []
}

// useAll reads all pages of a list, one after the other.
export function useAll<T>(list: { rows: T[] | undefined; hasNextPage: boolean; isFetching: boolean; error: unknown; fetchNextPage: () => unknown }) {
  const { hasNextPage, isFetching, error, fetchNextPage } = list
  useEffect(() => {
    if (hasNextPage && !isFetching && !error) void fetchNextPage()
  }, [hasNextPage, isFetching, error, fetchNextPage])
}

export function useTeams(enabled = true) {
  return usePages(keys.teams, (query) => data(api.GET('/v1/teams', { params: { query } })), { enabled })
}

export function useMyInvitations(enabled = true) {
  return usePages(keys.invitations, (query) => data(api.GET('/v1/me/invitations', { params: { query } })), { enabled })
}
