package session_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/sessiontest"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// counting counts the reads of a check, and lets something happen during one.
type counting struct {
	session.Store
	reads  atomic.Int32
	during func()
}

func (c *counting) PrincipalByToken(ctx context.Context, hash []byte) (session.Principal, error) {
	c.reads.Add(1)
	p, err := c.Store.PrincipalByToken(ctx, hash)
	if c.during != nil {
		c.during()
	}
	return p, err
}

// remembering is the service with a cache that is trusted, and what it reads.
func remembering(t *testing.T, d *storagetest.Database) (*fixture, *session.Cache, *counting) {
	t.Helper()
	store, cache := &counting{Store: d.DB}, session.NewCache(100)
	t.Cleanup(cache.Close)
	cache.Trust(time.Now(), time.Hour)
	return sessiontest.New(d, session.NewService(store, cache, session.Limits{Idle: idle, Lifetime: lifetime}, d.Clock.Now)), cache, store
}

func TestACheckIsReadOnce(t *testing.T) {
	t.Parallel()
	f, cache, store := remembering(t, storagetest.Open(t, storagetest.SQLite))
	s, token := f.SignIn(t, f.User(t).ID)
	reads := func(what string, want int32) {
		t.Helper()
		store.reads.Store(0)
		for range 3 {
			storagetest.Same(t, f.Works(t, what, token, true).Session.ID, s.ID)
		}
		if got := store.reads.Load(); got != want {
			t.Errorf("%s: 3 checks read %d times, want %d", what, got, want)
		}
	}
	reads("at first", 1)
	reads("remembered", 0)
	for what, forget := range map[string]func(){
		"the session": func() { cache.Forget(s.ID) }, "the user": func() { cache.Forget(s.UserID) },
		"the identity": func() { cache.Forget(*s.IdentityID) }, "all": cache.ForgetAll,
	} {
		forget()
		reads("after a change of "+what, 1)
	}
	cache.Forget(identity.NewID())
	reads("after a change of another", 0)

	cache.Trust(time.Time{}, 0)
	reads("not trusted", 3)
	cache.Trust(time.Now().Add(-time.Minute), time.Minute)
	reads("trusted until just now", 3)
	cache.Trust(time.Now(), time.Hour)
	reads("trusted again", 0)

	for range 20_000 { // more than are distinguished
		cache.Forget(identity.NewID())
	}
	reads("after very many changes", 1)

	f.Clock.Advance(time.Minute) // seen again, which is written once
	reads("after a minute", 1)
	f.Clock.Set(s.IdleExpiresAt.Add(time.Minute - tick))
	reads("used by the minute it expires later", 1)
}

// What was read before a change and arrives after it is not kept.
func TestAReadThatAChangeOvertakes(t *testing.T) {
	t.Parallel()
	f, cache, store := remembering(t, storagetest.Open(t, storagetest.SQLite))
	s, token := f.SignIn(t, f.User(t).ID)
	store.during = func() {
		store.during = nil
		f.Do(t, func(ctx context.Context) error {
			_, err := f.EndSessions(ctx, s.UserID, session.SessionSelector{}, "test", f.Clock.Now())
			return err
		})
		cache.Forget(s.UserID)
	}
	f.Works(t, "read before it ended", token, true)
	f.Works(t, "ended", token, false)
}

// Another replica may have seen the session in use: what is remembered never
// refuses.
func TestWhatIsRememberedDoesNotRefuse(t *testing.T) {
	t.Parallel()
	f, _, _ := remembering(t, storagetest.Open(t, storagetest.SQLite))
	s, token := f.SignIn(t, f.User(t).ID)
	f.Works(t, "remembered", token, true)
	used := s.IdleExpiresAt.Add(-tick)
	noted, err := f.TouchSession(t.Context(), session.Use{Session: s.ID, Was: s.LastSeenAt, At: used, IdleExpires: used.Add(idle)})
	if err != nil || !noted {
		t.Fatal(noted, err)
	}
	f.Clock.Set(s.IdleExpiresAt.Add(time.Minute))
	f.Works(t, "in use elsewhere", token, true)
}
