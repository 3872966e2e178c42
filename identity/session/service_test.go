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
	"github.com/latchkey/latchkey/internal/testkit/sessiontest"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

const (
	idle     = sessiontest.Idle
	lifetime = sessiontest.Lifetime
	tick     = sessiontest.Tick
)

var origin = sessiontest.Origin

type fixture = sessiontest.Fixture

func each(t *testing.T, test func(t *testing.T, f *fixture)) { sessiontest.Each(t, test) }

func actor(s session.Session) identity.Actor { return sessiontest.Actor(s) }

func TestRotation(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		u := f.User(t)
		s, old := f.SignIn(t, u.ID)
		f.Works(t, "issued", old, true)
		f.Clock.Advance(time.Minute)
		renewed, token, err := f.Prove(t, s, "siwe")
		if err != nil || token == old || renewed.ID != s.ID {
			t.Fatalf("%+v, %v", renewed, err)
		}
		f.Works(t, "the old token", old, false)
		p := f.Works(t, "the new token", token, true)
		storagetest.Same(t, p.Session, renewed)
		storagetest.Same(t, []any{p.Session.Methods, p.Session.AuthenticatedAt}, []any{[]string{"google", "siwe"}, f.Clock.Now()})
		_, _, err = f.Prove(t, s, "siwe")
		storagetest.WantCode(t, "by what was seen before", err, identity.CodeUnauthenticated)
		again, _, err := f.Prove(t, renewed, "siwe")                           // a method counts once
		if err != nil || len(again.Methods) != 2 || len(again.ProvenBy) != 2 { // and every identity, for they may leave
			t.Errorf("%v, %v, %v", again.Methods, again.ProvenBy, err)
		}
		made, err := f.DB.Identity(t.Context(), *s.IdentityID)
		if err != nil {
			t.Fatal(err)
		}
		same, _, err := f.ProveBy(again, &made) // the one that made the session is named already
		if err != nil || len(same.ProvenBy) != 2 {
			t.Errorf("%v, %v", same.ProvenBy, err)
		}
		for _, bad := range []string{"", "x", old + "x", "\x00", token[:42]} {
			f.Works(t, "no token", bad, false)
		}
	})
}

func TestRenewedByManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		s, old := f.SignIn(t, f.User(t).ID)
		var won atomic.Int32
		var winner atomic.Value
		testkit.Together(20, func(int) {
			switch _, token, err := f.Prove(t, s, "google"); {
			case err == nil:
				won.Add(1)
				winner.Store(token)
			case identity.ErrorCode(err) != identity.CodeUnauthenticated:
				t.Error(err)
			}
		})
		storagetest.Same(t, won.Load(), 1)
		f.Works(t, "the winner's", winner.Load().(string), true)
		f.Works(t, "the old one", old, false)
	})
}

func TestExpiryAtTheVeryInstant(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		start := f.Clock.Now()
		s, token := f.SignIn(t, f.User(t).ID)
		f.Clock.Set(s.IdleExpiresAt.Add(-tick))
		f.Works(t, "just before it is idle too long", token, true) // and that was use
		_, unused := f.SignIn(t, s.UserID)
		f.Clock.Advance(idle)
		f.Works(t, "idle to the instant", unused, false)
		_, _, err := f.Prove(t, s, "google")
		storagetest.WantCode(t, "renewed when idle too long", err, identity.CodeUnauthenticated)

		// Used all the time it still ends.
		f.Clock.Set(start)
		s, token = f.SignIn(t, s.UserID)
		for f.Clock.Advance(idle / 2); f.Clock.Now().Before(s.ExpiresAt); f.Clock.Advance(idle / 2) {
			p := f.Works(t, "in use", token, true)
			if p.Session.IdleExpiresAt.After(s.ExpiresAt) {
				t.Errorf("idle expiry %v is after the end %v", p.Session.IdleExpiresAt, s.ExpiresAt)
			}
		}
		f.Clock.Set(s.ExpiresAt.Add(-tick))
		f.Works(t, "just before the end", token, true)
		f.Clock.Set(s.ExpiresAt)
		f.Works(t, "at the end", token, false)
		list, _, err := f.List(t.Context(), s.UserID, identity.Page{Limit: 9})
		if err != nil || len(list) != 0 {
			t.Errorf("%v, %v", list, err)
		}
	})
}

func TestUseIsWrittenOnceAMinute(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		s, token := f.SignIn(t, f.User(t).ID)
		f.Clock.Advance(time.Minute - tick)
		f.Works(t, "use", token, true)
		stored := func() time.Time { return f.Works(t, "read", token, true).Session.LastSeenAt }
		if got := stored(); !got.Equal(s.LastSeenAt) {
			t.Errorf("written within the minute: %v", got)
		}
		f.Clock.Advance(tick)
		f.Works(t, "use", token, true)
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
		a, tokenA := f.SignIn(t, u.ID)
		b, tokenB := f.SignIn(t, u.ID)
		_, tokenC := f.SignIn(t, u.ID)
		foreign, foreignToken := f.SignIn(t, f.User(t).ID)

		storagetest.WantNotFound(t, "another's session", f.End(t.Context(), actor(a), foreign.ID))
		storagetest.WantNotFound(t, "no session", f.End(t.Context(), actor(a), identity.NewID()))
		f.Works(t, "another's session", foreignToken, true)
		if err := f.End(t.Context(), actor(a), b.ID); err != nil {
			t.Error(err)
		}
		f.Works(t, "ended", tokenB, false)
		storagetest.WantNotFound(t, "twice", f.End(t.Context(), actor(a), b.ID))
		events := f.Count(t, "audit_events")
		if err := f.EndOthers(t.Context(), actor(a)); err != nil {
			t.Error(err)
		}
		storagetest.Same(t, f.Count(t, "audit_events")-events, 1) // c, and not b again
		f.Works(t, "the other", tokenC, false)
		f.Works(t, "the one in hand", tokenA, true)
		for range 2 { // signing out twice is no error
			if err := f.SignOut(t.Context(), actor(a)); err != nil {
				t.Error(err)
			}
		}
		f.Works(t, "signed out", tokenA, false)
		f.Works(t, "another's session", foreignToken, true)
	})
}

func TestADisabledUserIsOut(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		s, token := f.SignIn(t, f.User(t).ID)
		if err := f.Exec("UPDATE users SET status = 'disabled' WHERE id = ?", s.UserID.String()); err != nil {
			t.Fatal(err)
		}
		f.Works(t, "disabled", token, false)
	})
}

// A store that does not answer is an error, and no answer about the token.
func TestAnUnreachableStoreLetsNobodyIn(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		_, token := f.SignIn(t, f.User(t).ID)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		p, err := f.Authenticate(ctx, token, origin)
		if err == nil || identity.ErrorCode(err) != "" || errors.Is(err, identity.ErrNotFound) || p.User.ID != (identity.ID{}) {
			t.Errorf("%+v, %v", p, err)
		}
	})
}
