package background_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/latchkey/latchkey/identity/background"
)

// Work is done at once, at its times, when it is woken and while there is more, but not
// at once after a failure. The first failure of several is logged.
func TestLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		wake, begun := background.NewWake(), time.Now()
		l := background.Loop{Every: time.Minute, Wake: wake, Gap: time.Second, Failed: "could not count", Log: slog.New(slog.NewTextHandler(&out, nil))}
		ctx, cancel := context.WithCancel(t.Context())
		errs := []error{nil, nil, errors.New("first"), errors.New("second"), nil, errors.New("third")}
		var rounds []time.Duration
		done := make(chan struct{})
		wake.Up()
		wake.Up() // once is enough
		go func() {
			defer close(done)
			l.Run(ctx, func(context.Context) (more bool, err error) {
				rounds = append(rounds, time.Since(begun))
				if n := len(rounds); n <= len(errs) {
					err = errs[n-1]
				}
				return len(rounds) == 2 || len(rounds) == 3, err
			})
		}()
		time.Sleep(3*time.Minute + 10*time.Second)
		cancel()
		<-done
		want := []time.Duration{0, time.Second, 2 * time.Second, time.Minute + time.Second, 2*time.Minute + time.Second, 3*time.Minute + time.Second}
		if !slices.Equal(rounds, want) {
			t.Errorf("it is done after %v, want %v", rounds, want)
		}
		for text, n := range map[string]int{"could not count": 2, "first": 1, "second": 0, "third": 1} {
			if got := strings.Count(out.String(), text); got != n {
				t.Errorf("%q is logged %d times, want %d", text, got, n)
			}
		}
	})
}

// What ends with the loop is no failure.
func TestLoopEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		background.Loop{Every: time.Hour, Failed: "failed", Log: slog.New(slog.NewTextHandler(&out, nil))}.Run(ctx, func(ctx context.Context) (bool, error) {
			cancel()
			return true, ctx.Err()
		})
		if out.Len() > 0 {
			t.Errorf("it says %s", out.String())
		}
	})
}
