// Package background repeats what a replica does besides requests.
package background

import (
	"context"
	"log/slog"
	"time"
)

// Loop is how often some work is done, and what is said if it fails.
type Loop struct {
	Every time.Duration
	Wake  Wake          // nil: only every so often
	Gap   time.Duration // the least time from the end of the work to its next beginning
	// Failed is logged with the first of several errors in a row.
	Failed string
	Log    *slog.Logger
}

// Run does the work at once and then again and again until ctx ends: without waiting,
// but for the gap, as long as it reports that there is more. A failure always waits.
func (l Loop) Run(ctx context.Context, work func(ctx context.Context) (more bool, err error)) {
	tick := time.NewTicker(l.Every)
	defer tick.Stop()
	failing := false
	for {
		more, err := work(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failing {
			l.Log.Warn(l.Failed, "error", err)
		}
		failing = err != nil
		if !more || failing {
			select {
			case <-ctx.Done():
				return
			case <-l.Wake:
			case <-tick.C:
			}
		}
		if l.Gap > 0 && !pause(ctx, l.Gap) {
			return
		}
	}
}

// pause reports whether the time has passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// Wake has a loop do its work without waiting for the next time.
type Wake chan struct{}

// NewWake returns a wake for one loop.
func NewWake() Wake { return make(Wake, 1) }

// Up wakes the loop. It never blocks; once is enough for any number of changes.
func (w Wake) Up() {
	select {
	case w <- struct{}{}:
	default: // it is awake
	}
}
