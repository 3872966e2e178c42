import { type InfiniteData, MutationObserver, QueryClient, QueryObserver } from '@tanstack/react-query'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Problem } from '../api/problem'
import type { Page } from '../api/queries'
import { optimistic } from './optimistic'

interface Row {
  id: string
  role: string
}

const key = ['teams', 't', 'members']
const page = (...roles: string[]): Page<Row> => ({ data: roles.map((role, i) => ({ id: String(i), role })), next_cursor: null })

// deferred is an answer that comes when the test says so.
function deferred() {
  let resolve!: () => void
  let reject!: (error: unknown) => void
  const promise = new Promise<void>((yes, no) => ([resolve, reject] = [yes, no]))
  return { promise, resolve, reject }
}

describe('a change that is shown at once', () => {
  let client: QueryClient
  let served: Page<Row>
  let asked: number
  let stop: () => void

  beforeEach(async () => {
    client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity, retry: false } } })
    served = page('member', 'member')
    asked = 0
    const observer = new QueryObserver(client, {
      queryKey: key,
      queryFn: async () => {
        asked++
        return served
      },
    })
    stop = observer.subscribe(() => undefined)
    await observer.refetch()
    asked = 0
  })
  afterEach(() => stop())

  const shown = () => client.getQueryData<Page<Row>>(key)!.data.map((row) => row.role)
  const changing = (send: (to: [id: string, role: string]) => Promise<unknown>) =>
    new MutationObserver(
      client,
      optimistic<Row, [string, string]>(client, { list: key, change: (rows, [id, role]) => rows.map((row) => (row.id === id ? { ...row, role } : row)), send }),
    )
  const settled = () => new Promise((resolve) => setTimeout(resolve))

  it('stays when the service takes it, and the list is asked for again', async () => {
    const answer = deferred()
    const done = changing(() => answer.promise).mutate(['1', 'admin'])
    await settled()
    expect([shown(), asked]).toEqual([['member', 'admin'], 0])
    served = page('member', 'admin')
    answer.resolve()
    await done
    expect([shown(), asked]).toEqual([['member', 'admin'], 1])
  })

  it('is rolled back when the service refuses it, at once and not by the next answer', async () => {
    const answer = deferred()
    const done = changing(() => answer.promise).mutate(['1', 'admin'])
    await settled()
    expect(shown()).toEqual(['member', 'admin'])
    const back = new Promise<string[]>((resolve) => {
      const unsubscribe = client.getQueryCache().subscribe(() => {
        if (shown()[1] === 'admin') return
        unsubscribe()
        resolve([...shown(), String(asked)])
      })
    })
    answer.reject(new Problem({ code: 'last_owner', status: 409 }))
    await expect(done).rejects.toThrow('last_owner')
    expect(await back).toEqual(['member', 'member', '0'])
    expect(asked).toBe(1)
  })

  it('shows what has changed elsewhere after the answer', async () => {
    served = page('owner', 'admin')
    await changing(() => Promise.resolve()).mutate(['1', 'admin'])
    expect(shown()).toEqual(['owner', 'admin'])
  })

  it('is not undone by the answer to another change that came first', async () => {
    const [one, two] = [deferred(), deferred()]
    const first = changing(() => one.promise).mutate(['0', 'admin'])
    const second = changing(() => two.promise).mutate(['1', 'admin'])
    await settled()
    served = page('admin', 'member') // as it is before the second
    one.resolve()
    await first
    expect([shown(), asked]).toEqual([['admin', 'admin'], 0])
    served = page('admin', 'admin')
    two.resolve()
    await second
    expect([shown(), asked]).toEqual([['admin', 'admin'], 1])
  })

  it('reaches every page that is shown', async () => {
    const all = ['teams', 't', 'members', 'all']
    client.setQueryData<InfiniteData<Page<Row>>>(all, { pages: [page('member'), { data: [{ id: '1', role: 'member' }], next_cursor: null }], pageParams: [null, 'x'] })
    const answer = deferred()
    const done = changing(() => answer.promise).mutate(['1', 'admin'])
    await settled()
    expect(client.getQueryData<InfiniteData<Page<Row>>>(all)!.pages.flatMap((p) => p.data.map((row) => row.role))).toEqual(['member', 'admin'])
    answer.resolve()
    await done
  })
})
