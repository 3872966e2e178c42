import { describe, expect, it } from 'vitest'
import { navigationPending, oneAtATime } from './change'

// deferred is an answer that comes when the test says so.
function deferred() {
  let resolve!: () => void
  let reject!: (error: Error) => void
  const promise = new Promise<void>((yes, no) => ([resolve, reject] = [yes, no]))
  return { promise, resolve, reject }
}

const settled = () => new Promise((resolve) => setTimeout(resolve))

describe('one at a time', () => {
  it.each(['success', 'failure'])('begins nothing while one is under way, and again after its %s', async (end) => {
    const guard = oneAtATime()
    const answer = deferred()
    let begun = 0
    const send = () => {
      begun++
      return answer.promise
    }
    guard.begin(send)
    guard.begin(send)
    await settled()
    guard.begin(send)
    expect(begun).toBe(1)
    if (end === 'success') answer.resolve()
    else answer.reject(new Error('refused'))
    await settled()
    guard.begin(send)
    expect(begun).toBe(2)
  })

  it('goes on after what was given up, whose end then says nothing', async () => {
    const guard = oneAtATime()
    const [givenUp, next] = [deferred(), deferred()]
    let begun = 0
    guard.begin(() => givenUp.promise)
    guard.forget()
    guard.begin(() => {
      begun++
      return next.promise
    })
    givenUp.resolve()
    await settled()
    guard.begin(() => {
      begun++
      return next.promise
    })
    expect(begun).toBe(1)
  })

  it('begins nothing on a page that is being left', async () => {
    const guard = oneAtATime()
    let begun = 0
    guard.begin(navigationPending)
    await settled()
    guard.begin(async () => void begun++)
    expect(begun).toBe(0)
  })
})
