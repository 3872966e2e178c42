package api

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/latchkey/latchkey/internal/tracing"
)

const (
	// readyTimeout is shorter than any prober's patience.
	readyTimeout = 2 * time.Second
	// readyFor is how long an answer about readiness is given again. Anybody may
	// ask, without limit, so asking must not reach the database each time.
	readyFor = time.Second
)

// readiness answers whether requests can be answered, by one check a second
// however many ask at once. It is safe for concurrent use.
type readiness struct {
	check  func(context.Context) (map[string]string, error)
	flight singleflight.Group
	last   atomic.Pointer[readyAnswer]
}

type readyAnswer struct {
	checks map[string]string // must not be modified
	err    error
	at     time.Time
}

// get returns the answer of at most readyFor ago, or of a check that it waits
// for until ctx ends.
func (r *readiness) get(ctx context.Context) (map[string]string, error) {
	if last := r.fresh(); last != nil {
		return last.checks, last.err
	}
	detached := tracing.Detach(ctx)
	done := r.flight.DoChan("", func() (any, error) {
		if last := r.fresh(); last != nil { // of a check that ended just now
			return last, nil
		}
		// The check is for all who wait, not for the one who came first and may
		// hang up.
		ctx, cancel := context.WithTimeout(detached, readyTimeout)
		defer cancel()
		checks, err := r.check(ctx)
		a := &readyAnswer{checks, err, time.Now()}
		r.last.Store(a)
		return a, nil
	})
	select {
	case result := <-done:
		a := result.Val.(*readyAnswer)
		return a.checks, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *readiness) fresh() *readyAnswer {
	if last := r.last.Load(); last != nil && time.Since(last.at) < readyFor {
		return last
	}
	return nil
}
