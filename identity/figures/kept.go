package figures

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/latchkey/latchkey/identity"
)

const (
	// countEvery is the pause between two counts at least. One that takes long pauses
	// longer: share bounds how much of the time is spent counting.
	countEvery   = 30 * time.Second
	backlogEvery = 10 * time.Second
	share        = 100 // one part in so many
)

// Waiting is how much waits, and since when the oldest has.
type Waiting struct {
	N      int
	Oldest *time.Time // nil without one
}

// Backlog is what waits to be done.
type Backlog struct {
	Tasks      map[identity.TaskKind]Waiting // kinds of which none waits are left out
	Deliveries Waiting                       // to webhooks
}

// KeptStore counts.
type KeptStore interface {
	FiguresNow(ctx context.Context, now time.Time) (Now, error)
	WaitingNow(ctx context.Context) (Backlog, error)
}

// Kept are figures that were counted a while ago, for those that ask often: counting
// takes a while in a large database. It is safe for concurrent use.
type Kept struct {
	store KeptStore
	now   identity.Clock

	mu       sync.Mutex
	counts   *Now
	countsAt time.Time
	backlog  *Backlog
}

// NewKept returns figures that are counted once Run runs.
func NewKept(store KeptStore, now identity.Clock) *Kept { return &Kept{store: store, now: now} }

// Counts returns the latest counts and when they were made. It is false before the first.
func (k *Kept) Counts() (Now, time.Time, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.counts == nil {
		return Now{}, time.Time{}, false
	}
	return *k.counts, k.countsAt, true
}

// Backlog returns what waited when it was last counted. It is false before the first
// count. The result must not be modified.
func (k *Kept) Backlog() (Backlog, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.backlog == nil {
		return Backlog{}, false
	}
	return *k.backlog, true
}

// Count counts everything now.
func (k *Kept) Count(ctx context.Context) error {
	if err := k.countBacklog(ctx); err != nil {
		return err
	}
	return k.count(ctx)
}

func (k *Kept) count(ctx context.Context) error {
	now := k.now()
	counts, err := k.store.FiguresNow(ctx, now)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counts, k.countsAt = &counts, now
	return nil
}

func (k *Kept) countBacklog(ctx context.Context) error {
	backlog, err := k.store.WaitingNow(ctx)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.backlog = &backlog
	return nil
}

// Run counts until ctx ends: what waits every 10 seconds, and the rest every 30 seconds,
// or more rarely where it takes long.
func (k *Kept) Run(ctx context.Context, log *slog.Logger) {
	var work sync.WaitGroup
	work.Go(func() { repeat(ctx, backlogEvery, k.countBacklog, log) })
	repeat(ctx, countEvery, k.count, log)
	work.Wait()
}

// repeat counts until ctx ends.
func repeat(ctx context.Context, every time.Duration, count func(context.Context) error, log *slog.Logger) {
	for failing := false; ; {
		began := time.Now()
		err := count(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			log.Warn("could not count for metrics; will retry", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-time.After(pauseAfter(time.Since(began), every, failing)):
		}
	}
}

// maxPause bounds how old figures get.
const maxPause = 10 * time.Minute

// pauseAfter returns how long to pause after a count that took so long. One that failed
// is tried again soon: how long it took says nothing.
func pauseAfter(took, every time.Duration, failed bool) time.Duration {
	if failed {
		return every
	}
	return max(every, min(share*took, maxPause))
}
