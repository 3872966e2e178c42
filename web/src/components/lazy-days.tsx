import { Skeleton } from '@mantine/core'
import { type ComponentProps, lazy, Suspense } from 'react'
import { Boundary } from './broken'

// The library that draws is large, and comes after the numbers are there.
const Days = lazy(() => import('./days'))

const height = 220

// LazyDays draws a bar for each day, in the place that is kept for it.
export function LazyDays(props: Omit<ComponentProps<typeof Days>, 'height'>) {
  return (
    <Boundary instead={null}>
      <Suspense fallback={<Skeleton height={height} />}>
        <Days {...props} height={height} />
      </Suspense>
    </Boundary>
  )
}
