package storagetest

import (
	"slices"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/pgwire"
)

// Wire counts what a database on PostgreSQL is asked.
type Wire struct {
	mu         sync.Mutex
	statements []string
	roundTrips int
}

// OpenOnWire is Open of a PostgreSQL whose wire is watched.
func OpenOnWire(t *testing.T) (*Database, *Wire) {
	t.Helper()
	if !slices.Contains(Engines(), Postgres) {
		t.Skip("only on PostgreSQL")
	}
	w := &Wire{}
	proxy, through, err := pgwire.Listen(Migrated(t, Postgres), pgwire.Watcher{
		Statement: func(s string) {
			if !pgwire.OfDriver(s) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.statements = append(w.statements, pgwire.Gist(s))
			}
		},
		Waiting: func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.roundTrips++
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	return OpenURL(t, Postgres, through), w
}

// Count returns the round trips and the statements, as [pgwire.Gist] has them, of
// a call. It makes the call once before, so that what a connection prepares once is
// prepared; a pool that looks after a connection again in between makes one more.
func (w *Wire) Count(t *testing.T, call func()) (roundTrips int, statements []string) {
	t.Helper()
	call()
	w.mu.Lock()
	w.statements, w.roundTrips = nil, 0
	w.mu.Unlock()
	call()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.roundTrips, slices.Clone(w.statements)
}
