package ens_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/latchkey/latchkey/siwe/ens"
)

// clock is one that only the test moves.
type clock struct{ passed atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(1_800_000_000, c.passed.Load()) }
func (c *clock) advance(d time.Duration) { c.passed.Add(int64(d)) }

// gate is a transport that lets nothing through until it is opened.
type gate chan struct{}

func (g gate) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-g:
		return http.DefaultTransport.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func cached(t testing.TB, r *ens.Resolver, a common.Address, want string, known bool) {
	t.Helper()
	p, k := r.Cached(a)
	equal(t, want, p.Name)
	equal(t, known, k)
}

func idle(t testing.TB, r *ens.Resolver) {
	t.Helper()
	eventually(t, "no lookup is under way", func() bool {
		_, pending, _ := r.Sizes()
		return pending == 0
	})
}

func TestTimeToLive(t *testing.T) {
	m := newMainnet(t, 1)
	var c clock
	r := newResolver(t, ens.Options{Now: c.now, TTL: time.Hour, NegativeTTL: 10 * time.Minute}, m.url(t))
	step := func(wait time.Duration, want string, known, asks bool) {
		t.Helper()
		c.advance(wait)
		before := m.asked.Load()
		cached(t, r, alice, want, known)
		idle(t, r)
		equal(t, asks, m.asked.Load() > before)
	}
	step(0, "", false, true)
	step(0, "", true, false) // has none, and that is known now
	m.claim(t, alice, "alice.eth")
	m.own(t, alice, "alice.eth", "")
	step(10*time.Minute-1, "", true, false)
	step(1, "", true, true) // old: still shown, and looked up
	step(0, "alice.eth", true, false)
	m.own(t, common.Address{1}, "alice.eth", "")
	step(time.Hour-1, "alice.eth", true, false)
	step(1, "alice.eth", true, true)
	step(0, "", true, false)
	m.own(t, alice, "alice.eth", "")
	step(20*time.Minute, "", false, true) // too old to be shown
	step(0, "alice.eth", true, false)
	m.own(t, common.Address{1}, "alice.eth", "")
	step(2*time.Hour, "", false, true)
}

func TestCachedNeverWaits(t *testing.T) {
	shut := make(gate)
	r := newResolver(t, ens.Options{Transport: shut, MaxQueue: 16, Workers: 3, Timeout: time.Hour, AttemptTimeout: time.Hour}, newMainnet(t, 1).url(t))
	start := time.Now()
	var wg sync.WaitGroup
	for g := range byte(4) {
		wg.Go(func() {
			for i := range 10_000 {
				if p, known := r.Cached(common.Address{g, byte(i), byte(i >> 8), 1}); known || p != (ens.Profile{}) {
					t.Error("something is known")
				}
			}
		})
	}
	wg.Wait()
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("40,000 calls took %s", took)
	}
	entries, pending, queued := r.Sizes()
	if entries != 0 || pending > 16+3 || queued > 16 {
		t.Errorf("%d entries, %d pending, %d queued", entries, pending, queued)
	}
	start = time.Now()
	r.Close()
	r.Close()
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("closing took %s", took)
	}
	cached(t, r, alice, "", false)
	_, after, _ := r.Sizes()
	if after > pending {
		t.Error("a lookup was scheduled after the end")
	}
}

func TestSingleFlight(t *testing.T) {
	m := newMainnet(t, 1)
	m.claim(t, alice, "alice.eth")
	m.own(t, alice, "alice.eth", "")
	shut := make(gate)
	r := newResolver(t, ens.Options{Transport: shut, Workers: 8}, m.url(t))
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if _, known := r.Cached(alice); known {
				t.Error("something is known")
			}
		})
	}
	wg.Wait()
	close(shut)
	idle(t, r)
	cached(t, r, alice, "alice.eth", true)
	equal(t, 6, m.asked.Load()) // the chain id, two resolvers, three records
}

func TestEntriesAreBounded(t *testing.T) {
	m := newMainnet(t, 1)
	r := newResolver(t, ens.Options{MaxEntries: 10, MaxQueue: 100}, m.url(t))
	for i := range byte(60) {
		r.Cached(common.Address{1, i})
	}
	idle(t, r)
	entries, _, queued := r.Sizes()
	equal(t, 10, entries)
	equal(t, 0, queued)
	cached(t, r, common.Address{1, 59}, "", true)
}

func TestFailuresKeepWhatIsKnown(t *testing.T) {
	m := newMainnet(t, 1)
	m.claim(t, alice, "alice.eth")
	m.own(t, alice, "alice.eth", "")
	var c clock
	var down atomic.Bool
	var failures atomic.Int64
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		if down.Load() {
			return nil, http.ErrServerClosed
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	r := newResolver(t, ens.Options{Now: c.now, Transport: transport, OnError: func(err error) {
		failures.Add(1)
		if strings.Contains(err.Error(), apiKey) || !strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("says %q", err)
		}
	}}, m.url(t))
	cached(t, r, alice, "", false)
	idle(t, r)
	down.Store(true)
	c.advance(time.Hour)
	for range 5 { // fails once, then pauses
		cached(t, r, alice, "alice.eth", true)
		idle(t, r)
	}
	eventually(t, "one failure is reported", func() bool { return failures.Load() == 1 })
	c.advance(time.Hour)
	cached(t, r, alice, "", false) // too old by now
	idle(t, r)
	eventually(t, "another one is", func() bool { return failures.Load() == 2 })
	down.Store(false)
	c.advance(29 * time.Second)
	cached(t, r, alice, "", false)
	idle(t, r)
	cached(t, r, alice, "", false)
	c.advance(time.Second)
	cached(t, r, alice, "", false)
	idle(t, r)
	cached(t, r, alice, "alice.eth", true)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWithoutEndpoints(t *testing.T) {
	empty := newResolver(t, ens.Options{})
	for _, r := range []*ens.Resolver{nil, empty} {
		cached(t, r, alice, "", true)
		equal(t, ens.Profile{}, lookup(t, r, alice))
		r.Close()
	}
}
