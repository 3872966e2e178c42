package testkit

import "sync"

// Together calls fn n times at once, with the numbers from 0 to n-1, and returns
// when all calls have.
func Together(n int, fn func(n int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			fn(i)
		})
	}
	close(start)
	wg.Wait()
}
