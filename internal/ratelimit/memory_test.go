package ratelimit

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// clock is set by hand.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

func TestQuotaIsThereAtOnceAndComesBackEvenly(t *testing.T) {
	t.Parallel()
	c := newClock()
	m, limit := NewMemory(c.now), Limit{Quota: 4, Window: time.Minute}
	for left := 3; left >= 0; left-- {
		if r := m.Take(t.Context(), "a", limit); !r.Allowed || r.Remaining != left || r.RetryAfter != 0 {
			t.Fatalf("with %d to be left: %+v", left, r)
		}
	}
	for range 3 { // a refusal costs nothing
		if r := m.Take(t.Context(), "a", limit); r != (Result{RetryAfter: 15 * time.Second, ResetAfter: time.Minute}) {
			t.Fatalf("past the quota: %+v", r)
		}
	}
	if r := m.Take(t.Context(), "b", limit); !r.Allowed || r.Remaining != 3 {
		t.Errorf("another key: %+v", r)
	}
	c.advance(15*time.Second - 1)
	if r := m.Take(t.Context(), "a", limit); r.Allowed || r.RetryAfter != 1 {
		t.Errorf("just before: %+v", r)
	}
	c.advance(1)
	if r := m.Take(t.Context(), "a", limit); !r.Allowed || r.Remaining != 0 {
		t.Errorf("after RetryAfter: %+v", r)
	}
	c.advance(time.Minute)
	if r := m.Take(t.Context(), "a", limit); !r.Allowed || r.Remaining != 3 {
		t.Errorf("after ResetAfter: %+v", r)
	}
	c.advance(-24 * time.Hour)
	if r := m.Take(t.Context(), "a", limit); !r.Allowed && r.RetryAfter > time.Minute {
		t.Errorf("a clock that was set back locks out for %s", r.RetryAfter)
	}
}

// However clients ask, no window sees more than the quota and what is restored
// during it; and a client that waits as long as Retry-After says is allowed.
func TestQuotaHoldsInEveryWindow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := Limit{Quota: rapid.IntRange(1, 50).Draw(t, "quota"), Window: time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "window"))}
		c := newClock()
		m := NewMemory(c.now)
		var let []time.Time
		for range rapid.IntRange(1, 200).Draw(t, "requests") {
			c.advance(time.Duration(rapid.Int64Range(0, int64(limit.Window)/4+1).Draw(t, "pause")))
			r := m.Take(context.Background(), "k", limit)
			if !r.Allowed {
				c.advance(r.RetryAfter)
				if again := m.Take(context.Background(), "k", limit); !again.Allowed {
					t.Fatalf("waited %s and was refused: %+v", r.RetryAfter, again)
				}
			}
			let = append(let, c.now())
			if n := len(let) - 2*limit.Quota - 1; n >= 0 && c.now().Sub(let[n]) < limit.Window-time.Duration(2*limit.Quota) {
				t.Fatalf("%d requests in %s", 2*limit.Quota+1, c.now().Sub(let[n]))
			}
		}
	})
}

func TestRequestsAtOnceAreCountedOnce(t *testing.T) {
	t.Parallel()
	m, limit := NewMemory(newClock().now), Limit{Quota: 50, Window: time.Minute}
	var allowed atomic.Int64
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if m.Take(context.Background(), "k", limit).Allowed {
				allowed.Add(1)
			}
		})
	}
	wg.Wait()
	if allowed.Load() != 50 {
		t.Errorf("%d of 200 were let in, want 50", allowed.Load())
	}
}

// A flood of addresses takes a bounded amount of memory, and does not make the
// limiter forget one that keeps asking past its limit.
func TestFloodOfKeysIsBounded(t *testing.T) {
	m, limit := NewMemory(newClock().now), Limit{Quota: 20, Window: time.Minute}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	persistent := 0
	for i := range 1_000_000 {
		m.Take(t.Context(), fmt.Sprintf("challenge 2001:db8:%x:%x::/64", i>>16, i&0xffff), limit)
		if i%1000 == 0 && m.Take(t.Context(), "challenge 203.0.113.9", limit).Allowed {
			persistent++
		}
	}
	m.full.CleanUp()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n := m.full.EstimatedSize(); n > maxKeys {
		t.Errorf("%d keys are kept, at most %d should be", n, maxKeys)
	}
	grown := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d keys in %d KiB; the persistent one was let in %d times of 1000", m.full.EstimatedSize(), grown>>10, persistent)
	if grown > 48<<20 {
		t.Errorf("a flood of 10^6 addresses takes %d MiB", grown>>20)
	}
	if persistent > 2*limit.Quota {
		t.Errorf("the flood made room for %d requests of one who may make %d", persistent, limit.Quota)
	}
}

func TestScaled(t *testing.T) {
	t.Parallel()
	l := Limit{Quota: 10, Window: time.Minute}
	for factor, want := range map[float64]int{1: 10, 0.5: 5, 0.01: 1, 20: 200} {
		if got := l.Scaled(factor); got != (Limit{Quota: want, Window: time.Minute}) {
			t.Errorf("times %v: %+v", factor, got)
		}
	}
}

func BenchmarkMemory(b *testing.B) {
	m, limit := NewMemory(time.Now), Limit{Quota: 1e9, Window: time.Minute}
	for b.Loop() {
		m.Take(b.Context(), "read 203.0.113.9", limit)
	}
}

// An attempt that succeeds costs nothing in the end, and gives nothing that was
// not taken.
func TestWhatIsReturnedCanBeTakenAgain(t *testing.T) {
	t.Parallel()
	c := newClock()
	m, limit := NewMemory(c.now), Limit{Quota: 3, Window: time.Minute}
	take := func(want bool) {
		t.Helper()
		if r := m.Take(t.Context(), "a", limit); r.Allowed != want {
			t.Fatalf("%+v, want allowed %t", r, want)
		}
	}
	for range 3 {
		take(true)
	}
	take(false)
	m.Return(t.Context(), "a", limit)
	take(true)
	take(false)
	c.advance(time.Minute)
	m.Return(t.Context(), "a", limit)
	m.Return(t.Context(), "never taken", limit)
	for range 3 {
		take(true)
	}
	take(false)
}
