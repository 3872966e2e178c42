package storage_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/pgwire"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/storage"
)

// held is a store on PostgreSQL whose reads of session checks are held back on the
// wire.
type held struct {
	*storagetest.Database
	db    *storage.DB
	proxy *pgwire.Proxy
	reads atomic.Int64
	gate  sync.RWMutex // locked while reads are held
	found atomic.Int64 // answers to reads that found one principal
	back  sync.RWMutex // locked while those are held
}

func newHeld(t *testing.T) *held {
	t.Helper()
	h := &held{Database: storagetest.Open(t, storagetest.Postgres)}
	proxy, through, err := pgwire.Listen(h.URL, pgwire.Watcher{
		Statement: func(s string) {
			if strings.Contains(s, "unnest") {
				h.reads.Add(1)
				h.gate.RLock()
				defer h.gate.RUnlock()
			}
		},
		Done: func(tag string) {
			if tag == "SELECT 1" && h.reads.Load() > 0 {
				h.found.Add(1)
				h.back.RLock()
				defer h.back.RUnlock()
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	h.proxy, h.db = proxy, storagetest.Connect(t, through, storage.Patient())
	return h
}

type checked struct {
	p   session.Principal
	err error
}

// check begins a check and returns its answer when that is there.
func (h *held) check(ctx context.Context, hash []byte) <-chan checked {
	out := make(chan checked, 1)
	go func() {
		p, err := h.db.PrincipalByToken(ctx, hash)
		out <- checked{p, err}
	}()
	return out
}

// hold holds reads back until the test releases them, or ends.
func (h *held) hold(t *testing.T) (release func()) {
	t.Helper()
	h.gate.Lock()
	release = sync.OnceFunc(h.gate.Unlock)
	t.Cleanup(release)
	return release
}

// reading waits until n reads have come to the wire.
func (h *held) reading(t *testing.T, n int64) {
	t.Helper()
	until(t, "a read", func() bool { return h.reads.Load() >= n })
}

// Checks that wait for the database go together, and each gets its own answer.
func TestChecksGoTogether(t *testing.T) {
	t.Parallel()
	h := newHeld(t)
	u := h.User(t)
	sessions := make([]session.Session, 40)
	for i := range sessions {
		sessions[i] = h.Session(t, u.ID)
	}
	release := h.hold(t)
	first := h.check(t.Context(), sessions[0].TokenHash)
	h.reading(t, 1)
	second := h.check(t.Context(), hash())
	until(t, "both workers read", func() bool {
		waiting, working := h.db.Checks()
		return waiting == 0 && working == 2
	})
	var answers []<-chan checked
	for _, s := range sessions {
		answers = append(answers, h.check(t.Context(), s.TokenHash), h.check(t.Context(), hash()))
	}
	until(t, "they wait", func() bool {
		waiting, _ := h.db.Checks()
		return waiting == len(answers)
	})

	// Somebody who goes away does not take the others along.
	ctx, cancel := context.WithCancel(t.Context())
	gone := h.check(ctx, sessions[0].TokenHash)
	cancel()
	if got := <-gone; !errors.Is(got.err, context.Canceled) {
		t.Errorf("one who went away: %v", got.err)
	}
	// A session that ends before a check is asked is not found by it.
	h.Do(t, func(ctx context.Context) error {
		_, err := h.EndSessions(ctx, u.ID, session.SessionSelector{Only: &sessions[1].ID}, "over", h.Clock.Now())
		return err
	})
	ended := h.check(t.Context(), sessions[1].TokenHash)
	release()

	if got := <-first; got.err != nil || got.p.Session.ID != sessions[0].ID {
		t.Errorf("the first: %+v", got)
	}
	if got := <-second; !errors.Is(got.err, identity.ErrNotFound) {
		t.Errorf("the second: %+v", got)
	}
	if got := <-ended; !errors.Is(got.err, identity.ErrNotFound) {
		t.Errorf("an ended session: %+v", got)
	}
	for i, s := range sessions {
		if got := <-answers[2*i]; i != 1 && (got.err != nil || got.p.Session.ID != s.ID || got.p.User.ID != u.ID) {
			t.Errorf("session %d: %+v", i, got)
		}
		if got := <-answers[2*i+1]; !errors.Is(got.err, identity.ErrNotFound) {
			t.Errorf("no session %d: %+v", i, got)
		}
	}
	if n := h.reads.Load(); n > 10 {
		t.Errorf("83 checks at once took %d reads", n)
	}
}

// A read that is under way says nothing to a check that is asked later: by then the
// session that it has found may have ended.
func TestChecksTakeNoEarlierAnswer(t *testing.T) {
	t.Parallel()
	h := newHeld(t)
	u := h.User(t)
	s := h.Session(t, u.ID)
	h.back.Lock()
	release := sync.OnceFunc(h.back.Unlock)
	t.Cleanup(release)
	before := h.check(t.Context(), s.TokenHash)
	until(t, "it is found", func() bool { return h.found.Load() == 1 })
	h.Do(t, func(ctx context.Context) error {
		_, err := h.EndSessions(ctx, u.ID, session.SessionSelector{Only: &s.ID}, "over", h.Clock.Now())
		return err
	})
	after := h.check(t.Context(), s.TokenHash)
	until(t, "another worker reads for it", func() bool { // the proxy passes nothing meanwhile
		waiting, working := h.db.Checks()
		return waiting == 0 && working == 2
	})
	release()
	if got := <-before; got.err != nil || got.p.Session.ID != s.ID {
		t.Errorf("before it ended: %+v", got)
	}
	if got := <-after; !errors.Is(got.err, identity.ErrNotFound) {
		t.Errorf("after it ended: %+v", got)
	}
}

// What fails, fails for all in it, and is no answer.
func TestChecksFailTogether(t *testing.T) {
	t.Parallel()
	h := newHeld(t)
	s := h.Session(t, h.User(t).ID)
	if got := <-h.check(t.Context(), s.TokenHash); got.err != nil {
		t.Fatal(got.err)
	}
	release := h.hold(t)
	before := h.reads.Load()
	answers := []<-chan checked{h.check(t.Context(), s.TokenHash)}
	h.reading(t, before+1)
	for range 10 {
		answers = append(answers, h.check(t.Context(), s.TokenHash))
	}
	h.proxy.Close()
	release()
	failed := 0
	for i, a := range answers {
		got := <-a
		switch {
		case isUnavailable(got.err):
			failed++
		case got.err != nil || got.p.Session.ID != s.ID: // one may have been read before the cut
			t.Errorf("check %d: %+v", i, got)
		}
	}
	if failed == 0 {
		t.Error("every check was answered")
	}
}

// What is no hash is not looked for with others, and inside a transaction a check
// sees what the transaction did.
func TestChecksThatGoAlone(t *testing.T) {
	t.Parallel()
	h := newHeld(t)
	u := h.User(t)
	s := h.Session(t, u.ID)
	for _, odd := range [][]byte{nil, {}, {1}, make([]byte, 33)} {
		if got := <-h.check(t.Context(), odd); !errors.Is(got.err, identity.ErrNotFound) {
			t.Errorf("%x: %v", odd, got.err)
		}
	}
	if err := h.db.InTx(t.Context(), func(ctx context.Context) error {
		if _, err := h.db.EndSessions(ctx, u.ID, session.SessionSelector{}, "over", h.Clock.Now()); err != nil {
			return err
		}
		if _, err := h.db.PrincipalByToken(ctx, s.TokenHash); !errors.Is(err, identity.ErrNotFound) {
			t.Errorf("an ended session: %v", err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if n := h.reads.Load(); n != 0 {
		t.Errorf("%d reads were shared", n)
	}
}
