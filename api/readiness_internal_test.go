package api

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestReadinessIsCheckedOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var checked atomic.Int32
		var down atomic.Bool
		errDown := errors.New("down")
		r := &readiness{check: func(context.Context) (map[string]string, error) {
			time.Sleep(100 * time.Millisecond) // as a database takes
			checked.Add(1)
			if down.Load() {
				return nil, errDown
			}
			return map[string]string{"database": "ok"}, nil
		}}
		ask := func(want error) {
			t.Helper()
			var all sync.WaitGroup
			for range 200 {
				all.Go(func() {
					checks, err := r.get(t.Context())
					if !errors.Is(err, want) || err == nil && checks["database"] != "ok" {
						t.Errorf("%v, %v", checks, err)
					}
				})
			}
			all.Wait()
		}
		ask(nil)
		down.Store(true)
		ask(nil) // from memory
		if n := checked.Load(); n != 1 {
			t.Errorf("checked %d times for 400 who asked within a second", n)
		}
		time.Sleep(readyFor)
		ask(errDown)
		down.Store(false)
		ask(errDown)
		time.Sleep(readyFor)
		ask(nil)
		if n := checked.Load(); n != 3 {
			t.Errorf("checked %d times in three seconds", n)
		}
	})
}

// Who asks first and hangs up takes nothing from those who wait for the same
// check, and a check that hangs ends.
func TestReadinessOutlivesWhoAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &readiness{check: func(ctx context.Context) (map[string]string, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Second):
				return map[string]string{}, nil
			}
		}}
		first, hangUp := context.WithCancel(t.Context())
		var both sync.WaitGroup
		both.Go(func() {
			if _, err := r.get(first); !errors.Is(err, context.Canceled) {
				t.Errorf("who hung up: %v", err)
			}
		})
		synctest.Wait()
		both.Go(func() {
			if _, err := r.get(t.Context()); err != nil {
				t.Errorf("who waited: %v", err)
			}
		})
		synctest.Wait()
		hangUp()
		both.Wait()

		hangs := &readiness{check: func(ctx context.Context) (map[string]string, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		asked := time.Now()
		if _, err := hangs.get(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(asked) != readyTimeout {
			t.Errorf("%v after %v", err, time.Since(asked))
		}
	})
}
