//go:build unix

package ratelimit

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/testredis"
)

var testKey = []byte("a key of the tests")

func replica(t *testing.T, redisURL string) *Shared {
	t.Helper()
	return replicaUnder(t, redisURL, testKey)
}

func replicaUnder(t *testing.T, redisURL string, keys ...[]byte) *Shared {
	t.Helper()
	local := NewMemory(time.Now)
	s, err := NewShared(t.Context(), redisURL, keys, local, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(local.Close)
	return s
}

// slow has a quota that does not come back during a test.
func slow(quota int) Limit { return Limit{Quota: quota, Window: time.Hour} }

func allowed(t *testing.T, n int, key string, limit Limit, replicas ...*Shared) int {
	t.Helper()
	let := 0
	for i := range n {
		if replicas[i%len(replicas)].Take(t.Context(), key, limit).Allowed {
			let++
		}
	}
	return let
}

func wantDown(t *testing.T, want bool, replicas ...*Shared) {
	t.Helper()
	for _, r := range replicas {
		for end := time.Now().Add(20 * time.Second); r.down.Load() != want; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("down is %t, want %t", !want, want)
			}
		}
	}
}

func TestReplicasShareALimit(t *testing.T) {
	t.Parallel()
	server := testredis.Start(t)
	a, b := replica(t, server.URL), replica(t, server.URL)
	wantDown(t, false, a, b)
	if n := allowed(t, 40, "k", slow(10), a, b); n != 10 {
		t.Errorf("%d were let in by both, want 10", n)
	}
	if r := b.Take(t.Context(), "k", slow(10)); r.Allowed || r.RetryAfter < 5*time.Minute || r.RetryAfter > 6*time.Minute || r.ResetAfter > time.Hour {
		t.Errorf("past the quota: %+v", r)
	}
	var wg sync.WaitGroup
	var let atomic.Int32
	for i := range 100 {
		wg.Go(func() {
			if []*Shared{a, b}[i%2].Take(t.Context(), "at once", slow(10)).Allowed {
				let.Add(1)
			}
		})
	}
	wg.Wait()
	if n := let.Load(); n != 10 {
		t.Errorf("%d of 100 at once were let in, want 10", n)
	}
	// Redis must not learn who asks.
	keys, err := a.client.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) == 0 {
		t.Fatalf("%v, %v", keys, err)
	}
	a.Take(t.Context(), "mailbox ada@example.com", slow(10))
	for _, key := range keys {
		if key == "rate:"+hidden(testKey, "probe") {
			continue // kept for a second
		}
		if strings.Contains(key, "ada") || !strings.HasPrefix(key, "rate:latchkey:") {
			t.Errorf("a key in Redis is %q", key)
		}
		if ttl, err := a.client.TTL(t.Context(), key).Result(); err != nil || ttl <= 0 || ttl > time.Hour+time.Second {
			t.Errorf("%s is kept for %s, %v", key, ttl, err)
		}
	}
}

// While the secret changes, replicas that are one step apart share their limits, and
// what was used up under the old key is used up under the new one.
func TestLimitsOutliveTheirKey(t *testing.T) {
	t.Parallel()
	server, a, b := testredis.Start(t), []byte("the old key"), []byte("the new key")
	steps := []*Shared{
		replicaUnder(t, server.URL, a), replicaUnder(t, server.URL, a, b), replicaUnder(t, server.URL, b, a), replicaUnder(t, server.URL, b),
	}
	wantDown(t, false, steps...)
	for i, from := range steps[:3] {
		key, to := fmt.Sprint("step ", i), steps[i+1]
		if n := allowed(t, 40, key, slow(10), from, to); n != 10 {
			t.Errorf("%s: %d were let in by both, want 10", key, n)
		}
		to.Return(t.Context(), key, slow(10))
		if n := allowed(t, 4, key, slow(10), to); n != 1 {
			t.Errorf("%s: %d were let in after one was given back, want 1", key, n)
		}
	}
	// One step further on, half was counted under the new key alone; what was refused is
	// not among it.
	key := "refused"
	if n := allowed(t, 10, key, slow(10), steps[0], steps[1]); n != 10 {
		t.Fatalf("%d were let in, want 10", n)
	}
	if n := allowed(t, 30, key, slow(10), steps[2]); n != 0 {
		t.Errorf("%d were let in by what was used up under the old key", n)
	}
	if n := allowed(t, 10, key, slow(10), steps[3]); n != 5 {
		t.Errorf("%d were let in under the new key, want 5", n)
	}
}

// Both ways to count answer alike.
func TestMemoryAndRedisCountAlike(t *testing.T) {
	t.Parallel()
	shared, memory := replica(t, testredis.URL(t)), NewMemory(time.Now)
	key := t.Name() + time.Now().String()
	for i := range 8 {
		a, err := shared.ask(t.Context(), key, slow(6))
		if err != nil {
			t.Fatal(err)
		}
		b := memory.Take(t.Context(), key, slow(6))
		if a.Allowed != b.Allowed || a.Remaining != b.Remaining || (a.RetryAfter-b.RetryAfter).Abs() > 5*time.Second || (a.ResetAfter-b.ResetAfter).Abs() > 5*time.Second {
			t.Errorf("request %d: Redis says %+v, memory %+v", i+1, a, b)
		}
	}
}

// A Redis that stops leaves limits behind, not none and no errors; when it
// is back they are shared again, without anybody's doing.
func TestRedisStopsAndComesBack(t *testing.T) {
	t.Parallel()
	server := testredis.Start(t)
	a, b := replica(t, server.URL), replica(t, server.URL)
	if n := allowed(t, 20, "before", slow(10), a, b); n != 10 {
		t.Fatalf("%d were let in before, want 10", n)
	}
	server.Stop()
	// What was used up stays so, and what is new is limited by each replica.
	if n := allowed(t, 20, "before", slow(10), a, b); n != 0 {
		t.Errorf("%d more were let in by a quota that was used up", n)
	}
	for _, r := range []*Shared{a, b} {
		if n := allowed(t, 20, "during", slow(10), r); n != 10 {
			t.Errorf("%d were let in by one replica alone, want 10", n)
		}
	}
	wantDown(t, true, a, b)
	server.Start()
	wantDown(t, false, a, b)
	if n := allowed(t, 40, "after", slow(10), a, b); n != 10 {
		t.Errorf("%d were let in by both afterwards, want 10", n)
	}
}

// A Redis that takes connections and never answers costs a request the deadline
// once, and then nothing.
func TestRedisHangs(t *testing.T) {
	t.Parallel()
	server := testredis.Start(t)
	paused := replica(t, server.URL)
	hung := replica(t, "redis://"+hang(t))
	hung.down.Store(false) // as if it had answered until now
	if err := paused.client.Do(t.Context(), "CLIENT", "PAUSE", "600000", "ALL").Err(); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Shared{hung, paused} {
		s.wait = defaultWait
		for i := range 30 {
			if got := s.Take(t.Context(), "k", slow(10)); got.Allowed != (i < 10) {
				t.Errorf("request %d: %+v", i+1, got)
			}
			if !s.down.Load() {
				t.Fatalf("request %d did not give Redis up, so that the next waits too", i+1)
			}
		}
	}
}

func TestWaitIsThatOfTheURL(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]time.Duration{"": defaultWait, "?read_timeout=2s": 2 * time.Second, "?read_timeout=-1s": defaultWait} {
		if s := replica(t, "redis://"+hang(t)+query); s.wait != want {
			t.Errorf("%q: %s, want %s", query, s.wait, want)
		}
	}
}

// hang listens, and never answers.
func hang(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

func TestStartsWithoutRedis(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s, err := NewShared(t.Context(), "redis://:hunter2@127.0.0.1:1", [][]byte{testKey}, NewMemory(time.Now), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if n := allowed(t, 20, "k", slow(10), s); n != 10 {
		t.Errorf("%d were let in, want 10", n)
	}
	if said := log.String(); strings.Count(said, "Redis does not answer") != 1 || strings.Contains(said, "hunter2") {
		t.Errorf("the log says %s", said)
	}
}

// A client that goes away says nothing about Redis.
func TestClientsThatLeaveDoNotCountAgainstRedis(t *testing.T) {
	t.Parallel()
	s := replica(t, testredis.URL(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := s.Take(ctx, t.Name()+time.Now().String(), slow(10)); !r.Allowed || s.down.Load() {
		t.Errorf("%+v, down %t", r, s.down.Load())
	}
}

// A Redis that answers, but does not let us write, is down.
func TestRedisThatOnlyReadsIsDown(t *testing.T) {
	t.Parallel()
	server := testredis.Start(t)
	s := replica(t, server.URL)
	if err := s.client.Do(t.Context(), "REPLICAOF", "127.0.0.1", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if n := allowed(t, 20, "k", slow(10), s); n != 10 || !s.down.Load() {
		t.Errorf("%d were let in, down %t", n, s.down.Load())
	}
	if err := s.client.Do(t.Context(), "REPLICAOF", "NO", "ONE").Err(); err != nil {
		t.Fatal(err)
	}
	wantDown(t, false, s)
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"redis://localhost", "redis://u:p@h:6380/3", "rediss://h:6379"} {
		if err := CheckURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"http://h", "redis://h/hunter2", "redis://h?nonsense=hunter2", "redis://u:hunter2%zz@h"} {
		if err := CheckURL(bad); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if err := Ping(t.Context(), testredis.URL(t)); err != nil {
		t.Error(err)
	}
	if err := Ping(t.Context(), "redis://127.0.0.1:1"); err == nil {
		t.Error("where nothing listens something answers")
	}
}

// What one replica gives back the other can take, and a replica that has lost
// Redis gives back in memory.
func TestReturnIsShared(t *testing.T) {
	t.Parallel()
	server := testredis.Start(t)
	a, b := replica(t, server.URL), replica(t, server.URL)
	wantDown(t, false, a, b)
	if n := allowed(t, 8, "k", slow(5), a, b); n != 5 {
		t.Fatalf("%d were let in, want 5", n)
	}
	a.Return(t.Context(), "k", slow(5))
	a.Return(t.Context(), "k", slow(5))
	if n := allowed(t, 4, "k", slow(5), a); n != 2 {
		t.Errorf("%d were let in after two were given back, want 2", n)
	}
	a.Return(t.Context(), "k", slow(5))
	server.Stop()
	a.Return(t.Context(), "k", slow(5)) // finds out
	wantDown(t, true, a)
	a.Return(t.Context(), "k", slow(5))
	if n := allowed(t, 5, "k", slow(5), a); n != 3 {
		t.Errorf("%d were let in after three were given back without Redis, want 3", n)
	}
}
