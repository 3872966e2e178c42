import { type InfiniteData, type QueryClient, type QueryKey, type UseMutationOptions, useMutation, useQueryClient } from '@tanstack/react-query'
import type { Page } from '../api/queries'
import { withStepUp } from '../auth/step-up'
import { useStepUp } from './step-up-context'

// A list as the cache has it: one page of it, or the pages so far.
type List<T> = Page<T> | InfiniteData<Page<T>>

// changeRows changes the rows of a list, however it is read.
export function changeRows<T>(list: List<T> | undefined, change: (rows: T[]) => T[]): List<T> | undefined {
  const changed = (page: Page<T>) => ({ ...page, data: change(page.data) })
  return list && ('pages' in list ? { ...list, pages: list.pages.map(changed) } : changed(list))
}

interface Optimistic<T, V> {
  /** The list whose rows change at once. */
  list: QueryKey
  change: (rows: T[], asked: V) => T[]
  send: (asked: V) => Promise<unknown>
  /** What is asked for again besides the list when the answer is there. */
  refresh?: QueryKey[]
}

// optimistic shows a change before the service has answered. A refusal brings back
// what was there; either way the list is asked for again, once the last of several
// changes has its answer. It is for changes that the service hardly ever refuses
// and that no one acts on meanwhile, not for changes that were previewed with
// numbers, such as ending by filter, a policy or a merge.
export function optimistic<T, V>(client: QueryClient, { list, change, send, refresh = [] }: Optimistic<T, V>) {
  return {
    mutationKey: list,
    mutationFn: send,
    onMutate: async (asked) => {
      // An answer from before must not come over it.
      await client.cancelQueries({ queryKey: list })
      const before = client.getQueriesData<List<T>>({ queryKey: list })
      client.setQueriesData<List<T>>({ queryKey: list }, (rows) => changeRows(rows, (r) => change(r, asked)))
      return before
    },
    onError: (_error, _asked, before) => {
      for (const [key, rows] of before ?? []) client.setQueryData(key, rows)
    },
    onSettled: async () => {
      if (client.isMutating({ mutationKey: list }) > 1) return
      await Promise.all([list, ...refresh].map((queryKey) => client.invalidateQueries({ queryKey })))
    },
  } satisfies UseMutationOptions<unknown, unknown, V, [QueryKey, List<T> | undefined][]>
}

// useOptimistic is optimistic for a component. Where the service wants the person
// to prove who they are, that comes in between; who does not want to has changed
// nothing, and sees so.
export function useOptimistic<T, V>(options: Optimistic<T, V>) {
  const client = useQueryClient()
  const stepUp = useStepUp()
  return useMutation(
    optimistic<T, V>(client, {
      ...options,
      send: (asked) =>
        withStepUp(
          () => options.send(asked),
          () => stepUp(),
        ),
    }),
  )
}
