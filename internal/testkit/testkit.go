package testkit

import (
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
)

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

// Missing ends a test for want of something: it is skipped with the reason, and fails with
// CI set.
func Missing(tb testing.TB, why string) {
	tb.Helper()
	if os.Getenv("CI") != "" {
		tb.Fatal(why)
	}
	tb.Skip(why)
}

// FreePort returns a port of 127.0.0.1 that nothing listens on, for a program whose
// port must be set. It is below those that systems give to connections and to those
// who ask for any, so that it is still free when the program starts, and starts again.
func FreePort(tb testing.TB) string {
	tb.Helper()
	for range 100 {
		port := strconv.Itoa(10000 + rand.IntN(20000)) //nolint:gosec // no secret
		if l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:"+port); err == nil {
			_ = l.Close()
			return port
		}
	}
	tb.Fatal("no port is free")
	return ""
}
