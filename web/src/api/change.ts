import { type UseMutationOptions, type UseMutationResult, useMutation } from '@tanstack/react-query'
import { useState } from 'react'

// oneAtATime lets one thing be under way. What is begun meanwhile is not: a button
// says that it is busy only with its next paint, and a double click is faster.
export function oneAtATime() {
  let underWay: Promise<unknown> | undefined
  return {
    begin(send: () => Promise<unknown>): void {
      if (underWay) return
      const mine = send()
      underWay = mine
      const over = () => {
        if (underWay === mine) underWay = undefined
      }
      mine.then(over, over)
    },
    /** Waits no longer for what is under way, which may never end. */
    forget(): void {
      underWay = undefined
    },
  }
}

// useChange is useMutation for what people set off: one at a time, until it is
// reset. Only what is shown before its answer (useOptimistic) may overlap.
export function useChange<T, V = void>(options: UseMutationOptions<T, Error, V>): UseMutationResult<T, Error, V> {
  const mutation = useMutation(options)
  const [guard] = useState(oneAtATime)
  return {
    ...mutation,
    mutate: (...asked) => guard.begin(() => mutation.mutateAsync(...asked)),
    reset: () => {
      guard.forget()
      mutation.reset()
    },
  }
}

// navigationPending never resolves: a change that leads to another page stays pending
// while the page that it leaves can still be seen, and clicked.
export const navigationPending = () => new Promise<never>(() => undefined)
