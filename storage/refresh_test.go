package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func testRefresh(t *testing.T, d *storagetest.Database) {
	insert := func(t *testing.T, s session.Session, edit ...func(f *token.Family)) token.Family {
		t.Helper()
		now := d.Clock.Now()
		f := token.Family{
			ID: identity.NewID(), SessionID: s.ID, UserID: s.UserID, ClientID: "web", Seed: hash(), Generation: 1, CreatedAt: now, RotatedAt: now,
		}
		for _, e := range edit {
			e(&f)
		}
		d.Do(t, func(ctx context.Context) error { return d.InsertRefreshFamily(ctx, f) })
		return f
	}
	read := func(t *testing.T, id identity.ID) token.Family {
		t.Helper()
		var locked token.Family
		d.Do(t, func(ctx context.Context) (err error) { locked, _, err = d.LockRefreshFamily(ctx, id); return err })
		plain := must[token.Family](t)(d.RefreshFamily(t.Context(), id))
		storagetest.Same(t, plain, locked)
		return plain
	}

	t.Run("every field comes back, and an update writes what may change", func(t *testing.T) {
		s := d.Session(t, d.User(t).ID)
		role, now := team.RoleAdmin, d.Clock.Now()
		ts := d.TeamSession(t, d.Team(t, s.UserID).ID, s)
		f := insert(t, s, func(f *token.Family) { f.TeamSessionID, f.Role = &ts.ID, &role })
		storagetest.Same(t, read(t, f.ID), f)
		bare := insert(t, s)
		storagetest.Same(t, read(t, bare.ID), bare)
		owner := team.RoleOwner
		changed := f
		changed.Role, changed.Generation, changed.RotatedAt = &owner, 7, now.Add(time.Microsecond)
		changed.EndedAt, changed.EndReason = &now, new("over")
		want := changed
		changed.ClientID, changed.Seed, changed.CreatedAt = "other", hash(), now.Add(time.Hour)
		d.Do(t, func(ctx context.Context) error { return d.UpdateRefreshFamily(ctx, changed) })
		storagetest.Same(t, read(t, f.ID), want)
		storagetest.Same(t, read(t, bare.ID), bare)
		_, err := d.RefreshFamily(t.Context(), identity.NewID())
		storagetest.WantNotFound(t, "no family", err)
	})

	t.Run("all but the newest of the session go", func(t *testing.T) {
		s, other := d.Session(t, d.User(t).ID), d.Session(t, d.User(t).ID)
		foreign := insert(t, other)
		var all []token.Family
		for range 4 {
			all = append(all, insert(t, s))
		}
		d.Do(t, func(ctx context.Context) error { return d.TrimRefreshFamilies(ctx, s.ID, 2) })
		for i, f := range all {
			_, err := d.RefreshFamily(t.Context(), f.ID)
			if i < 2 {
				storagetest.WantNotFound(t, "an old one", err)
			} else if err != nil {
				t.Error(err)
			}
		}
		read(t, foreign.ID)
	})

	t.Run("it goes with its session", func(t *testing.T) {
		old := d.Clock.Now().Add(-time.Hour)
		s := d.Session(t, d.User(t).ID, func(s *session.Session) { s.ExpiresAt = old })
		f := insert(t, s)
		if _, err := d.Sweep(t.Context(), d.Clock.Now(), old.Add(time.Microsecond)); err != nil {
			t.Fatal(err)
		}
		_, err := d.RefreshFamily(t.Context(), f.ID)
		storagetest.WantNotFound(t, "swept", err)
	})
}
