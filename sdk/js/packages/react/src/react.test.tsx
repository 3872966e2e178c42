import type { ReactNode } from 'react'
import { renderToString } from 'react-dom/server'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LatchkeyProvider, type Session, SignedIn, SignedOut, useSession } from './index.js'
import { SessionStore } from './store.js'

function sessionOf(name: string): Session {
  return { id: 's', user: { id: 'ada', name, wallets: [], onboarded: true, formerIds: [] }, methods: [], verifiedAt: '', expires: '', app: {} }
}

// The requests that were sent, each to be answered when the test wants it.
let sent: { method: string; answer: (body: unknown, status?: number) => Promise<void>; fail: () => Promise<void> }[]
const settled = () => new Promise<void>((resolve) => setTimeout(resolve))

beforeEach(() => {
  sent = []
  vi.stubGlobal('fetch', (_: string, { method = 'GET' }: RequestInit) => {
    return new Promise<Response>((resolve, reject) => {
      const answer = (body: unknown, status = 200) => {
        resolve(Response.json(body, { status }))
        return settled()
      }
      const fail = () => {
        reject(new TypeError('fetch failed'))
        return settled()
      }
      sent.push({ method, answer, fail })
    })
  })
})
afterEach(() => {
  vi.unstubAllGlobals()
})

const nameIn = (store: SessionStore) => store.snapshot().data?.user.name ?? store.snapshot().status

test('of answers out of order the one that was asked for last counts', async () => {
  const store = new SessionStore(null)
  store.check()
  store.check()
  await sent[1]!.answer(sessionOf('new'))
  await sent[0]!.answer(null)
  expect(nameIn(store)).toBe('new')
  // The server rendered meanwhile.
  store.check()
  store.take(sessionOf('rendered'))
  await sent[2]!.answer(sessionOf('old'))
  expect(nameIn(store)).toBe('rendered')
  // A failure that is out of date.
  store.check()
  store.check()
  await sent[4]!.answer(sessionOf('newest'))
  await sent[3]!.answer({}, 503)
  expect(nameIn(store)).toBe('newest')
})

test('an update is not overtaken by what is known without it', async () => {
  const store = new SessionStore(sessionOf('old'))
  const updated = store.update()
  store.check() // the window gets the focus
  expect(sent.map(({ method }) => method)).toEqual(['POST'])
  store.take(sessionOf('rendered'))
  await sent[0]!.answer(sessionOf('updated'))
  expect((await updated)?.user.name).toBe('updated')
  expect(nameIn(store)).toBe('updated')
  store.check()
  await sent[1]!.answer(null)
  expect(nameIn(store)).toBe('unauthenticated')
})

test('a server that cannot say signs no one out', async () => {
  const store = new SessionStore(sessionOf('Ada'))
  store.check()
  await sent[0]!.answer({ error: 'unavailable' }, 503)
  expect(store.snapshot()).toEqual({ data: null, status: 'unavailable' })
  store.check()
  await sent[1]!.answer(sessionOf('Ada'))
  // Offline for a moment.
  store.check()
  await sent[2]!.fail()
  expect(nameIn(store)).toBe('Ada')
  await expect(Promise.all([store.update(), sent[3]!.answer({}, 503)])).rejects.toThrow()
  expect(nameIn(store)).toBe('unavailable')
})

test('what the server does not know is asked for, and never left open', async () => {
  const store = new SessionStore(undefined)
  expect(nameIn(store)).toBe('loading')
  store.check()
  await sent[0]!.fail()
  expect(nameIn(store)).toBe('unavailable')
  store.take(undefined)
  expect([nameIn(store), sent.length]).toEqual(['loading', 2])
  await sent[1]!.answer(null)
  expect(nameIn(store)).toBe('unauthenticated')
})

function Shown() {
  const { status } = useSession()
  return (
    <>
      {status} <SignedIn>in</SignedIn> <SignedOut>out</SignedOut>
    </>
  )
}

test.each<[Session | null | undefined, string]>([
  [sessionOf('Ada'), 'authenticated in '],
  [null, 'unauthenticated  out'],
  [undefined, 'loading  '],
])('a page is rendered on the server by what it knows: %j', (session, shown) => {
  const page: ReactNode = (
    <LatchkeyProvider session={session}>
      <Shown />
    </LatchkeyProvider>
  )
  expect(renderToString(page).replace(/<!-- -->/g, '')).toBe(shown)
})
