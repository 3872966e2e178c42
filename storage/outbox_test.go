package storage_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func testOutbox(t *testing.T, d *storagetest.Database) {
	now := d.Clock.Now()
	tick := time.Microsecond
	enqueue := func(kind identity.TaskKind, due time.Time) identity.Task {
		t.Helper()
		task := identity.Task{ID: identity.NewID(), Kind: kind, Payload: []byte{0, 255, '\''}, CreatedAt: now, NextAttemptAt: due, ExpiresAt: now.Add(time.Hour)}
		d.Do(t, func(ctx context.Context) error { return d.EnqueueTasks(ctx, task) })
		return task
	}
	claim := func(kind identity.TaskKind, at, until time.Time) (task identity.Task, err error) {
		t.Helper()
		err = d.InTx(t.Context(), func(ctx context.Context) (err error) {
			task, err = d.ClaimTask(ctx, []identity.TaskKind{kind, "nothing"}, at, until)
			return err
		})
		return task, err
	}
	due := func(kind identity.TaskKind, at time.Time) bool {
		t.Helper()
		return must[bool](t)(d.HasDueTask(t.Context(), []identity.TaskKind{kind}, at))
	}
	if err := d.EnqueueTasks(t.Context()); err != nil {
		t.Errorf("no tasks are nothing to write: %v", err)
	}

	t.Run("a task comes back when it is due, the longest due first, by kind", func(t *testing.T) {
		later, sooner := enqueue("a", now.Add(tick)), enqueue("a", now)
		storagetest.Same(t, []bool{due("a", now.Add(-tick)), due("a", now), due("b", now)}, []bool{false, true, false})
		_, err := claim("a", now.Add(-tick), now)
		storagetest.WantNotFound(t, "a task before it is due", err)
		sooner.Attempts, sooner.NextAttemptAt = 1, now.Add(time.Minute)
		storagetest.Same(t, must[identity.Task](t)(claim("a", now.Add(tick), now.Add(time.Minute))), sooner)
		later.Attempts, later.NextAttemptAt = 1, now.Add(time.Hour)
		storagetest.Same(t, must[identity.Task](t)(claim("a", now.Add(tick), now.Add(time.Hour))), later)
		_, err = claim("a", now.Add(tick), now)
		storagetest.WantNotFound(t, "a task that is claimed", err)
		sooner.Attempts = 2 // the first worker is dead
		sooner.NextAttemptAt = now.Add(time.Hour)
		storagetest.Same(t, must[identity.Task](t)(claim("a", now.Add(time.Minute), now.Add(time.Hour))), sooner)
	})

	t.Run("only the last to claim it finishes a task, or has it tried again", func(t *testing.T) {
		enqueue("c", now)
		first := must[identity.Task](t)(claim("c", now, now))
		second := must[identity.Task](t)(claim("c", now, now))
		d.Do(t, func(ctx context.Context) error { return d.FinishTask(ctx, first) })
		d.Do(t, func(ctx context.Context) error { return d.RetryTask(ctx, first, now.Add(time.Hour)) })
		storagetest.Same(t, due("c", now), true)
		d.Do(t, func(ctx context.Context) error { return d.RetryTask(ctx, second, now.Add(time.Second)) })
		storagetest.Same(t, []bool{due("c", now), due("c", now.Add(time.Second))}, []bool{false, true})
		d.Do(t, func(ctx context.Context) error { return d.FinishTask(ctx, second) })
		storagetest.Same(t, due("c", now.Add(time.Second)), false)
	})

	t.Run("what rolls back leaves no task", func(t *testing.T) {
		err := d.InTx(t.Context(), func(ctx context.Context) error {
			task := identity.Task{ID: identity.NewID(), Kind: "d", Payload: []byte{1}, CreatedAt: now, NextAttemptAt: now, ExpiresAt: now}
			return errors.Join(d.EnqueueTasks(ctx, task), errTest)
		})
		storagetest.Same(t, []bool{errors.Is(err, errTest), due("d", now)}, []bool{true, false})
	})

	t.Run("30 workers at once take 20 tasks once each", func(t *testing.T) {
		for range 20 {
			enqueue("e", now)
		}
		var mu sync.Mutex
		taken := map[identity.ID]int{}
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() {
				for {
					task, err := claim("e", now, now.Add(time.Minute))
					if err != nil {
						if due("e", now) && errors.Is(err, identity.ErrNotFound) {
							continue // the others hold it
						}
						return
					}
					mu.Lock()
					taken[task.ID]++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		storagetest.Same(t, len(taken), 20)
		for id, n := range taken {
			if n != 1 {
				t.Errorf("%s was taken %d times", id, n)
			}
		}
	})
}
