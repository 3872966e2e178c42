package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func testSessions(t *testing.T, d *storagetest.Database) {
	t.Run("every field comes back", func(t *testing.T) {
		u := d.User(t)
		i, ts := d.Wallet(t, u.ID), identity.NewID()
		s := d.Session(t, u.ID, func(s *session.Session) {
			s.IdentityID, s.TeamSessionID, s.Methods = &i.ID, &ts, session.Methods{"siwe", "google"}
			s.IP, s.UserAgent = "2001:db8::1", "agent"
			s.AuthenticatedAt, s.LastSeenAt = s.CreatedAt.Add(time.Microsecond), s.CreatedAt.Add(2*time.Microsecond)
		})
		storagetest.Same(t, lock(t, d, s.ID), s)
		bare := d.Session(t, u.ID)
		storagetest.Same(t, lock(t, d, bare.ID), bare)
		d.Do(t, func(ctx context.Context) error {
			_, err := d.LockSession(ctx, identity.NewID())
			storagetest.WantNotFound(t, "no session", err)
			return nil
		})
	})

	t.Run("an update writes what may change, and nothing else", func(t *testing.T) {
		s := d.Session(t, d.User(t).ID)
		changed, ts := s, identity.NewID()
		_, changed.TokenHash = identity.NewSecret()
		changed.TeamSessionID, changed.Methods = &ts, session.Methods{"a", "b"}
		changed.AuthenticatedAt, changed.LastSeenAt = s.CreatedAt.Add(time.Minute), s.CreatedAt.Add(time.Minute)
		changed.IdleExpiresAt, changed.ExpiresAt, changed.Restricted = s.IdleExpiresAt.Add(time.Minute), s.ExpiresAt.Add(time.Hour), true
		changed.LongestPause = time.Hour
		want := changed
		changed.IP, changed.UserAgent, changed.EndedAt, changed.EndReason = "no", "no", &s.CreatedAt, new("no")
		d.Do(t, func(ctx context.Context) error { return d.UpdateSession(ctx, changed) })
		storagetest.Same(t, lock(t, d, s.ID), want)
	})

	t.Run("a touch moves time forward only, and no ended session", func(t *testing.T) {
		s := d.Session(t, d.User(t).ID)
		touch := func(u session.Use, want bool) {
			t.Helper()
			u.Session = s.ID
			storagetest.Same(t, must[bool](t)(d.TouchSession(t.Context(), u)), want)
		}
		first := session.Use{Was: s.LastSeenAt, At: s.LastSeenAt.Add(time.Minute), IdleExpires: s.IdleExpiresAt.Add(time.Minute), Pause: time.Minute + 1}
		touch(first, true)
		s.LastSeenAt, s.IdleExpiresAt, s.LongestPause = first.At, first.IdleExpires, first.Pause
		storagetest.Same(t, lock(t, d, s.ID), s)
		late := first // by who has read what it was before
		late.At, late.IdleExpires, late.Pause = first.At.Add(time.Hour), first.IdleExpires.Add(time.Hour), time.Hour
		touch(late, false)
		storagetest.Same(t, lock(t, d, s.ID), s)
		second := session.Use{Was: first.At, At: first.At.Add(time.Second), IdleExpires: first.IdleExpires, Pause: time.Second}
		touch(second, true) // a shorter pause leaves the longest
		s.LastSeenAt = second.At
		storagetest.Same(t, lock(t, d, s.ID), s)
		end(t, d, s.UserID, session.SessionSelector{}, d.Clock.Now())
		touch(session.Use{Was: second.At, At: second.At.Add(time.Hour), IdleExpires: late.IdleExpires, Pause: time.Hour}, false)
		if got := lock(t, d, s.ID); !got.LastSeenAt.Equal(s.LastSeenAt) || !got.IdleExpiresAt.Equal(s.IdleExpiresAt) || got.LongestPause != s.LongestPause {
			t.Errorf("an ended session was touched: %+v", got)
		}
	})

	t.Run("ending picks one, all but one, or all", func(t *testing.T) {
		u, other := d.User(t), d.User(t)
		foreign := d.Session(t, other.ID)
		a, b, c := d.Session(t, u.ID), d.Session(t, u.ID), d.Session(t, u.ID)
		at := d.Clock.Now().Add(time.Microsecond)
		storagetest.Same(t, end(t, d, u.ID, session.SessionSelector{Only: &foreign.ID}, at), 0)
		storagetest.Same(t, end(t, d, u.ID, session.SessionSelector{Only: &a.ID}, at), 1)
		storagetest.Same(t, end(t, d, u.ID, session.SessionSelector{Only: &a.ID}, at.Add(time.Hour)), 0) // ended once
		storagetest.Same(t, end(t, d, u.ID, session.SessionSelector{Except: &b.ID}, at), 1)              // c
		storagetest.Same(t, end(t, d, u.ID, session.SessionSelector{}, at), 1)                           // b
		for _, s := range []session.Session{a, b, c} {
			s.EndedAt, s.EndReason = &at, new("over")
			storagetest.Same(t, lock(t, d, s.ID), s)
		}
		storagetest.Same(t, lock(t, d, foreign.ID), foreign)
	})

	t.Run("status at the very instant", func(t *testing.T) { testSessionStatus(t, d) })
}

func lock(t *testing.T, d *storagetest.Database, id identity.ID) (s session.Session) {
	t.Helper()
	d.Do(t, func(ctx context.Context) (err error) { s, err = d.LockSession(ctx, id); return err })
	return s
}

func end(t *testing.T, d *storagetest.Database, user identity.ID, which session.SessionSelector, at time.Time) int {
	t.Helper()
	var ids []identity.ID
	d.Do(t, func(ctx context.Context) (err error) {
		ids, err = d.EndSessions(ctx, user, which, "over", at)
		return err
	})
	return len(ids)
}

// testSessionStatus compares the condition in the database with the function in
// the domain, at the instants around each boundary.
func testSessionStatus(t *testing.T, d *storagetest.Database) {
	now := d.Clock.Now()
	u := d.User(t)
	for _, idle := range []time.Duration{-time.Microsecond, 0, time.Microsecond, time.Hour} {
		for _, absolute := range []time.Duration{-time.Microsecond, 0, time.Microsecond} {
			for _, ended := range []bool{false, true} {
				d.Session(t, u.ID, func(s *session.Session) {
					s.IdleExpiresAt, s.ExpiresAt = now.Add(idle), now.Add(absolute)
					if ended {
						s.EndedAt, s.EndReason = &now, new("over")
					}
				})
			}
		}
	}
	// A whole second is stored shorter by SQLite, and must sort all the same.
	for _, at := range []time.Time{now.Truncate(time.Second), now.Truncate(time.Second).Add(time.Second), now.Truncate(time.Millisecond)} {
		d.Session(t, u.ID, func(s *session.Session) { s.IdleExpiresAt = at })
	}
	list := func(status session.Status) []session.Listed {
		return must[[]session.Listed](t)(d.DB.Sessions(t.Context(), session.Filter{UserID: &u.ID, Status: status}, now, identity.Page{Limit: 99}))
	}
	all := list("")
	storagetest.Same(t, len(all), 27)
	seen := 0
	for _, status := range []session.Status{session.StatusActive, session.StatusExpired, session.StatusRevoked} {
		rows := list(status)
		if len(rows) == 0 {
			t.Errorf("no session is %s", status)
		}
		seen += len(rows)
		for _, row := range rows {
			if got := row.Status(now); got != status {
				t.Errorf("listed as %s, but is %s: %+v", status, got, row)
			}
		}
	}
	storagetest.Same(t, seen, len(all))
	active := must[[]session.Session](t)(d.ActiveSessions(t.Context(), u.ID, now, identity.Page{Limit: 99}))
	storagetest.Same(t, len(active), len(list(session.StatusActive)))
	storagetest.Same(t, active[0], list(session.StatusActive)[0].Session)
}
