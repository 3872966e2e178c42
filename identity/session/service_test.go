package session_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

const (
	idle     = time.Hour
	lifetime = 3 * time.Hour
	tick     = time.Microsecond
)

var origin = identity.RequestOrigin{IP: "192.0.2.1", UserAgent: "agent"}

// fixture is the service over a real storage.
type fixture struct {
	*storagetest.Database
	*session.Service
}

func each(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		test(t, &fixture{d, session.NewService(d.DB, nil, session.Limits{Idle: idle, Lifetime: lifetime}, d.Clock.Now)})
	})
}

// issue signs a user in.
func (f *fixture) issue(t *testing.T, user identity.ID) (s session.Session, token string) {
	t.Helper()
	via := f.Identity(t, user, "google", storagetest.Word())
	f.Do(t, func(ctx context.Context) (err error) {
		s, token, err = f.Issue(ctx, via, origin, nil)
		return err
	})
	return s, token
}

func (f *fixture) renew(t *testing.T, seen session.Session, provider string) (s session.Session, token string, err error) {
	t.Helper()
	if provider == identity.ProviderSIWE {
		return f.renewBy(seen, new(f.Wallet(t, seen.UserID)))
	}
	return f.renewBy(seen, new(f.Identity(t, seen.UserID, provider, storagetest.Word())))
}

func (f *fixture) renewBy(seen session.Session, via *identity.Identity) (s session.Session, token string, err error) {
	err = f.InTx(context.Background(), func(ctx context.Context) (err error) {
		s, token, err = f.Service.Renew(ctx, seen, via, true)
		return err
	})
	return s, token, err
}

// works asserts whether a token lets in.
func (f *fixture) works(t *testing.T, what, token string, want bool) session.Principal {
	t.Helper()
	p, err := f.Authenticate(t.Context(), token, origin)
	if want && err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if !want {
		storagetest.WantCode(t, what, err, identity.CodeUnauthenticated)
	}
	return p
}

func actor(s session.Session) identity.Actor {
	return identity.Actor{UserID: s.UserID, SessionID: s.ID, RecentlyVerified: true}
}

func TestRotation(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		u := f.User(t)
		s, old := f.issue(t, u.ID)
		f.works(t, "issued", old, true)
		f.Clock.Advance(time.Minute)
		renewed, token, err := f.renew(t, s, "siwe")
		if err != nil || token == old || renewed.ID != s.ID {
			t.Fatalf("%+v, %v", renewed, err)
		}
		f.works(t, "the old token", old, false)
		p := f.works(t, "the new token", token, true)
		storagetest.Same(t, p.Session, renewed)
		storagetest.Same(t, []any{p.Session.Methods, p.Session.AuthenticatedAt}, []any{[]string{"google", "siwe"}, f.Clock.Now()})
		_, _, err = f.renew(t, s, "siwe")
		storagetest.WantCode(t, "by what was seen before", err, identity.CodeUnauthenticated)
		again, _, err := f.renew(t, renewed, "siwe")                           // a method counts once
		if err != nil || len(again.Methods) != 2 || len(again.ProvenBy) != 2 { // and every identity, for they may leave
			t.Errorf("%v, %v, %v", again.Methods, again.ProvenBy, err)
		}
		made, err := f.DB.Identity(t.Context(), *s.IdentityID)
		if err != nil {
			t.Fatal(err)
		}
		same, _, err := f.renewBy(again, &made) // the one that made the session is named already
		if err != nil || len(same.ProvenBy) != 2 {
			t.Errorf("%v, %v", same.ProvenBy, err)
		}
		for _, bad := range []string{"", "x", old + "x", "\x00", token[:42]} {
			f.works(t, "no token", bad, false)
		}
	})
}

func TestRenewedByManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		s, old := f.issue(t, f.User(t).ID)
		var won atomic.Int32
		var winner atomic.Value
		testkit.Together(20, func(int) {
			switch _, token, err := f.renew(t, s, "google"); {
			case err == nil:
				won.Add(1)
				winner.Store(token)
			case identity.ErrorCode(err) != identity.CodeUnauthenticated:
				t.Error(err)
			}
		})
		storagetest.Same(t, won.Load(), 1)
		f.works(t, "the winner's", winner.Load().(string), true)
		f.works(t, "the old one", old, false)
	})
}

func TestExpiryAtTheVeryInstant(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		start := f.Clock.Now()
		s, token := f.issue(t, f.User(t).ID)
		f.Clock.Set(s.IdleExpiresAt.Add(-tick))
		f.works(t, "just before it is idle too long", token, true) // and that was use
		_, unused := f.issue(t, s.UserID)
		f.Clock.Advance(idle)
		f.works(t, "idle to the instant", unused, false)
		_, _, err := f.renew(t, s, "google")
		storagetest.WantCode(t, "renewed when idle too long", err, identity.CodeUnauthenticated)

		// Used all the time it still ends.
		f.Clock.Set(start)
		s, token = f.issue(t, s.UserID)
		for f.Clock.Advance(idle / 2); f.Clock.Now().Before(s.ExpiresAt); f.Clock.Advance(idle / 2) {
			p := f.works(t, "in use", token, true)
			if p.Session.IdleExpiresAt.After(s.ExpiresAt) {
				t.Errorf("idle expiry %v is after the end %v", p.Session.IdleExpiresAt, s.ExpiresAt)
			}
		}
		f.Clock.Set(s.ExpiresAt.Add(-tick))
		f.works(t, "just before the end", token, true)
		f.Clock.Set(s.ExpiresAt)
		f.works(t, "at the end", token, false)
		list, _, err := f.List(t.Context(), s.UserID, identity.Page{Limit: 9})
		if err != nil || len(list) != 0 {
			t.Errorf("%v, %v", list, err)
		}
	})
}

func TestUseIsWrittenOnceAMinute(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		s, token := f.issue(t, f.User(t).ID)
		f.Clock.Advance(time.Minute - tick)
		f.works(t, "use", token, true)
		stored := func() time.Time { return f.works(t, "read", token, true).Session.LastSeenAt }
		if got := stored(); !got.Equal(s.LastSeenAt) {
			t.Errorf("written within the minute: %v", got)
		}
		f.Clock.Advance(tick)
		f.works(t, "use", token, true)
		f.Clock.Advance(time.Minute - tick)
		if got := stored(); !got.Equal(s.LastSeenAt.Add(time.Minute)) {
			t.Errorf("last seen %v", got)
		}
	})
}

func TestFreshness(t *testing.T) {
	t.Parallel()
	now := storagetest.NewClock().Now()
	for age, want := range map[time.Duration]bool{0: true, session.RecentlyVerifiedFor - tick: true, session.RecentlyVerifiedFor: false, session.RecentlyVerifiedFor + tick: false} {
		if got := (session.Session{AuthenticatedAt: now.Add(-age)}).RecentlyVerified(now); got != want {
			t.Errorf("fresh after %v: %v", age, got)
		}
	}
}

func TestEnding(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		u := f.User(t)
		a, tokenA := f.issue(t, u.ID)
		b, tokenB := f.issue(t, u.ID)
		_, tokenC := f.issue(t, u.ID)
		foreign, foreignToken := f.issue(t, f.User(t).ID)

		storagetest.WantNotFound(t, "another's session", f.End(t.Context(), actor(a), foreign.ID))
		storagetest.WantNotFound(t, "no session", f.End(t.Context(), actor(a), identity.NewID()))
		f.works(t, "another's session", foreignToken, true)
		if err := f.End(t.Context(), actor(a), b.ID); err != nil {
			t.Error(err)
		}
		f.works(t, "ended", tokenB, false)
		storagetest.WantNotFound(t, "twice", f.End(t.Context(), actor(a), b.ID))
		events := f.Count(t, "audit_events")
		if err := f.EndOthers(t.Context(), actor(a)); err != nil {
			t.Error(err)
		}
		storagetest.Same(t, f.Count(t, "audit_events")-events, 1) // c, and not b again
		f.works(t, "the other", tokenC, false)
		f.works(t, "the one in hand", tokenA, true)
		for range 2 { // signing out twice is no error
			if err := f.SignOut(t.Context(), actor(a)); err != nil {
				t.Error(err)
			}
		}
		f.works(t, "signed out", tokenA, false)
		f.works(t, "another's session", foreignToken, true)
	})
}

func TestADisabledUserIsOut(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		s, token := f.issue(t, f.User(t).ID)
		if err := f.Exec("UPDATE users SET status = 'disabled' WHERE id = ?", s.UserID.String()); err != nil {
			t.Fatal(err)
		}
		f.works(t, "disabled", token, false)
	})
}

// A store that does not answer is an error, and no answer about the token.
func TestAnUnreachableStoreLetsNobodyIn(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		_, token := f.issue(t, f.User(t).ID)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		p, err := f.Authenticate(ctx, token, origin)
		if err == nil || identity.ErrorCode(err) != "" || errors.Is(err, identity.ErrNotFound) || p.User.ID != (identity.ID{}) {
			t.Errorf("%+v, %v", p, err)
		}
	})
}
