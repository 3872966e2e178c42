// Package outbox does what transactions have left to be done after they
// committed: mail today. Every replica runs a worker; of all of them one takes
// a task at a time.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/latchkey/latchkey/identity"
)

const (
	poll     = time.Second // for what other replicas wrote, and for retries
	parallel = 4
	// lease is longer than an attempt may take: a task is taken up by another
	// worker only when this one is dead.
	lease       = 2 * time.Minute
	attemptTime = 30 * time.Second
	maxAttempts = 12
	firstRetry  = 5 * time.Second
	maxRetry    = 15 * time.Minute
)

// Store keeps the tasks. Changes run in the transaction that InTx opened.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	HasDueTask(ctx context.Context, kinds []identity.TaskKind, now time.Time) (bool, error)
	// ClaimTask takes the task of these kinds that is due longest and not being
	// taken by another transaction: it counts an attempt and is due again at
	// until. identity.ErrNotFound if there is none.
	ClaimTask(ctx context.Context, kinds []identity.TaskKind, now, until time.Time) (identity.Task, error)
	// FinishTask deletes a task, unless it was claimed again since.
	FinishTask(ctx context.Context, t identity.Task) error
	// RetryTask makes a task due, unless it was claimed again since.
	RetryTask(ctx context.Context, t identity.Task, at time.Time) error
}

// Handler does one kind of task. It may be called again for a task it has done,
// if the process died before that could be written. An error that is Permanent
// ends the task.
type Handler func(ctx context.Context, t identity.Task) error

// Worker does tasks. It takes only kinds it has a handler for: a replica that
// is configured otherwise, or newer, may have others.
type Worker struct {
	store    Store
	handlers map[identity.TaskKind]Handler
	kinds    []identity.TaskKind
	log      *slog.Logger
	now      identity.Clock
	wake     chan struct{}
	failing  bool // the store did not answer last time; only Run's goroutine
}

// NewWorker returns a worker that does nothing until Run.
func NewWorker(store Store, handlers map[identity.TaskKind]Handler, log *slog.Logger, now identity.Clock) *Worker {
	return &Worker{
		store: store, handlers: handlers, kinds: slices.Sorted(maps.Keys(handlers)),
		log: log, now: now, wake: make(chan struct{}, 1),
	}
}

// Wake tells that there is a new task, so that it does not wait for the next
// poll. It never blocks.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default: // it is awake
	}
}

// Run does tasks until ctx ends, and lets those under way finish.
func (w *Worker) Run(ctx context.Context) {
	if len(w.kinds) == 0 {
		return
	}
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, parallel)
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		if task, ok := w.claim(ctx); ok {
			running.Go(func() {
				defer func() { <-slots }()
				w.do(context.WithoutCancel(ctx), task)
			})
			continue
		}
		<-slots
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-tick.C:
		}
	}
}

func (w *Worker) claim(ctx context.Context) (task identity.Task, ok bool) {
	now := w.now()
	// Asked outside a transaction first: an idle worker locks nothing.
	due, err := w.store.HasDueTask(ctx, w.kinds, now)
	if err == nil && due {
		err = w.store.InTx(ctx, func(ctx context.Context) (err error) {
			task, err = w.store.ClaimTask(ctx, w.kinds, now, now.Add(lease))
			return err
		})
	}
	if errors.Is(err, identity.ErrNotFound) { // another worker was faster
		due, err = false, nil
	}
	if err != nil && !w.failing && ctx.Err() == nil {
		w.log.Warn("the outbox cannot be read; trying on", "error", err)
	}
	w.failing = err != nil
	return task, due && err == nil
}

func (w *Worker) do(ctx context.Context, t identity.Task) {
	err := w.attempt(ctx, t)
	retryAt := w.now().Add(retryAfter(t.Attempts))
	ended := err == nil || IsPermanent(err) || t.Attempts >= maxAttempts || !retryAt.Before(t.ExpiresAt)
	log := w.log.With("task", t.ID.String(), "kind", t.Kind, "attempt", t.Attempts)
	switch {
	case err == nil:
	case ended:
		log.Error("gave up a task", "error", err)
	default:
		log.Warn("a task failed; trying again", "error", err, "at", retryAt)
	}
	err = w.store.InTx(ctx, func(ctx context.Context) error {
		if ended {
			return w.store.FinishTask(ctx, t)
		}
		return w.store.RetryTask(ctx, t, retryAt)
	})
	if err != nil { // the lease ends, and then it is taken up again
		log.Warn("what became of a task could not be written", "error", err)
	}
}

var errExpired = errors.New("it has no use any more")

func (w *Worker) attempt(ctx context.Context, t identity.Task) (err error) {
	if !w.now().Before(t.ExpiresAt) {
		return Permanent(errExpired)
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return w.handlers[t.Kind](ctx, t)
}

// retryAfter doubles from attempt to attempt.
func retryAfter(attempts int) time.Duration {
	return min(firstRetry<<min(max(attempts, 1)-1, 10), maxRetry)
}
