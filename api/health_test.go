package api_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// Anybody may ask whether the service is ready, and all who ask at once hear that
// it is.
func TestReadyInParallel(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		for range 3 {
			statuses := make([]int, 200)
			var all sync.WaitGroup
			for i := range statuses {
				all.Go(func() { statuses[i] = a.Browser().GET("/readyz").Status })
			}
			all.Wait()
			for _, status := range statuses {
				if status != http.StatusOK {
					t.Fatalf("one of 200 was answered %d", status)
				}
			}
		}
	})
}
