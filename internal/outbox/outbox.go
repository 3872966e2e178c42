// Package outbox runs tasks, such as sending mail, that transactions leave to be
// done after they commit. Every replica runs a worker, and a task is claimed by
// one of them at a time.
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
	"github.com/latchkey/latchkey/identity/background"
)

const (
	poll     = time.Second // for tasks of other replicas, and for retries
	parallel = 4
	// lease is longer than an attempt may take: another worker claims the task
	// only if this one is dead.
	lease       = 2 * time.Minute
	attemptTime = 30 * time.Second
	maxAttempts = 12
	firstRetry  = 5 * time.Second
	maxRetry    = 15 * time.Minute
)

// Store stores the tasks. Changes run in the transaction that InTx opens.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	HasDueTask(ctx context.Context, kinds []identity.TaskKind, now time.Time) (bool, error)
	// ClaimTask claims the task of these kinds that has been due longest and is
	// not being claimed by another transaction. It counts an attempt and makes the
	// task due again at until. It returns identity.ErrNotFound if there is none.
	ClaimTask(ctx context.Context, kinds []identity.TaskKind, now, until time.Time) (identity.Task, error)
	// FinishTask deletes a task, unless it has been claimed again.
	FinishTask(ctx context.Context, t identity.Task) error
	// RetryTask makes a task due, unless it has been claimed again.
	RetryTask(ctx context.Context, t identity.Task, at time.Time) error
	// PostponeTask is RetryTask that does not count the attempt.
	PostponeTask(ctx context.Context, t identity.Task, at time.Time) error
}

// Handler runs one kind of task. It may be called again for a task that it has
// finished, if the process died before that was recorded. A Permanent error ends
// the task.
type Handler func(ctx context.Context, t identity.Task) error

// Worker runs tasks. It claims only kinds that it has a handler for: a replica
// with another configuration or version may have others.
type Worker struct {
	store    Store
	handlers map[identity.TaskKind]Handler
	kinds    []identity.TaskKind
	log      *slog.Logger
	now      identity.Clock
	wake     background.Wake
	parallel int
	observe  func(kind identity.TaskKind, outcome Outcome, took time.Duration)
	failing  bool // the store did not answer last time; used by Run's goroutine only
}

// Option changes a worker.
type Option func(*Worker)

// Outcome is what an attempt at a task came to.
type Outcome string

// The outcomes.
const (
	Done      Outcome = "done"
	Retry     Outcome = "retry"
	Postponed Outcome = "postponed"
	Failed    Outcome = "failed" // given up
)

// Observe has a worker call f with each attempt.
func Observe(f func(kind identity.TaskKind, outcome Outcome, took time.Duration)) Option {
	return func(w *Worker) { w.observe = f }
}

// InParallel has a worker do n tasks at a time. 4 is the default.
func InParallel(n int) Option { return func(w *Worker) { w.parallel = n } }

// NewWorker returns a worker. It does nothing until Run is called.
func NewWorker(store Store, handlers map[identity.TaskKind]Handler, log *slog.Logger, now identity.Clock, opts ...Option) *Worker {
	w := &Worker{
		store: store, handlers: handlers, kinds: slices.Sorted(maps.Keys(handlers)),
		log: log, now: now, wake: background.NewWake(), parallel: parallel,
		observe: func(identity.TaskKind, Outcome, time.Duration) {},
	}
	for _, set := range opts {
		set(w)
	}
	return w
}

// Wake makes the worker look for a new task without waiting for the next poll. It
// never blocks.
func (w *Worker) Wake() { w.wake.Up() }

// Run runs tasks until ctx ends, and waits for those in progress.
func (w *Worker) Run(ctx context.Context) {
	if len(w.kinds) == 0 {
		return
	}
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, w.parallel)
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
	// Outside a transaction first, so that an idle worker locks nothing.
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
		w.log.Warn("could not read the outbox; will retry", "error", err)
	}
	w.failing = err != nil
	return task, due && err == nil
}

func (w *Worker) do(ctx context.Context, t identity.Task) {
	began := time.Now()
	err := w.attempt(ctx, t)
	took := time.Since(began)
	if p, ok := errors.AsType[postponed](err); ok {
		w.observe(t.Kind, Postponed, took)
		at := w.now().Add(p.by)
		err := w.store.InTx(ctx, func(ctx context.Context) error { return w.store.PostponeTask(ctx, t, at) })
		if err != nil {
			w.log.Warn("could not postpone a task", "task", t.ID.String(), "error", err)
		}
		return
	}
	retryAt := w.now().Add(retryAfter(t.Attempts))
	ended := err == nil || IsPermanent(err) || t.Attempts >= maxAttempts || !retryAt.Before(t.ExpiresAt)
	log := w.log.With("task", t.ID.String(), "kind", t.Kind, "attempt", t.Attempts)
	switch {
	case err == nil:
		w.observe(t.Kind, Done, took)
	case ended:
		w.observe(t.Kind, Failed, took)
		log.Error("task failed permanently", "error", err)
	default:
		w.observe(t.Kind, Retry, took)
		log.Warn("task failed; will retry", "error", err, "at", retryAt)
	}
	err = w.store.InTx(ctx, func(ctx context.Context) error {
		if ended {
			return w.store.FinishTask(ctx, t)
		}
		return w.store.RetryTask(ctx, t, retryAt)
	})
	if err != nil { // the lease ends, and then it is claimed again
		log.Warn("could not record the task's result", "error", err)
	}
}

var errExpired = errors.New("the task has expired")

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

// retryAfter returns the delay before the next attempt, which doubles each time.
func retryAfter(attempts int) time.Duration {
	return min(firstRetry<<min(max(attempts, 1)-1, 10), maxRetry)
}
