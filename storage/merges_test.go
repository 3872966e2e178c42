package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

func testMerges(t *testing.T, d *storagetest.Database) {
	merge := func(source, survivor identity.User, after time.Duration) linking.Merge {
		t.Helper()
		m := linking.Merge{
			ID: identity.NewID(), SourceID: source.ID, SurvivorID: survivor.ID,
			ConfirmedAt: d.Clock.Now().Add(after), UndoUntil: d.Clock.Now().Add(time.Hour),
		}
		d.Do(t, func(ctx context.Context) error { return d.InsertMerge(ctx, m) })
		return m
	}
	later := func(m linking.Merge) []identity.ID {
		t.Helper()
		return idsOf(must[[]linking.Merge](t)(d.LaterMerges(t.Context(), m)), func(m linking.Merge) identity.ID { return m.ID })
	}

	t.Run("later ones involve the survivor, were not undone, and are in order", func(t *testing.T) {
		a, b, c, e, f, g, h := d.User(t), d.User(t), d.User(t), d.User(t), d.User(t), d.User(t), d.User(t)
		before := merge(g, b, -time.Microsecond)
		m := merge(a, b, 0)
		second := merge(e, b, 2*time.Microsecond)
		first := merge(c, b, time.Microsecond)
		together := merge(f, b, 0) // at the same instant, by the id
		away := merge(b, h, 3*time.Microsecond)
		merge(c, e, 0) // of others
		storagetest.Same(t, later(m), []identity.ID{together.ID, first.ID, second.ID, away.ID})
		storagetest.Same(t, later(together), []identity.ID{first.ID, second.ID, away.ID})
		storagetest.Same(t, later(before), []identity.ID{m.ID, together.ID, first.ID, second.ID, away.ID})
		at := d.Clock.Now()
		for _, undone := range []linking.Merge{first, away} {
			undone.UndoneAt = &at
			d.Do(t, func(ctx context.Context) error { return d.SetUndone(ctx, undone) })
		}
		storagetest.Same(t, later(m), []identity.ID{together.ID, second.ID})
		storagetest.Same(t, later(away), []identity.ID{})
	})

	t.Run("a ticket is found by its id and its token", func(t *testing.T) {
		owner := d.User(t)
		_, hash := identity.NewSecret()
		want := linking.Ticket{
			ID: identity.NewID(), TokenHash: hash, Kind: linking.TicketLink, OwnerID: owner.ID, BrowserHash: identity.HashSecret("b"),
			CreatedAt: d.Clock.Now(), ExpiresAt: d.Clock.Now().Add(time.Hour),
		}
		d.Do(t, func(ctx context.Context) error { return d.InsertTicket(ctx, want) })
		storagetest.Same(t, must[linking.Ticket](t)(d.TicketByID(t.Context(), want.ID)), want)
		storagetest.Same(t, must[linking.Ticket](t)(d.TicketByToken(t.Context(), hash)), want)
		_, err := d.TicketByID(t.Context(), identity.NewID())
		storagetest.WantNotFound(t, "by another id", err)
		_, other := identity.NewSecret()
		_, err = d.TicketByToken(t.Context(), other)
		storagetest.WantNotFound(t, "by another token", err)
	})

	t.Run("a place in a deleted team goes with its user", func(t *testing.T) {
		owner, survivor := d.User(t), d.User(t)
		deleted, live := d.Team(t, owner.ID), d.Team(t, owner.ID)
		deleted.DeletedAt = &deleted.CreatedAt
		d.Do(t, func(ctx context.Context) error { return d.UpdateTeam(ctx, deleted) })
		m := merge(owner, survivor, 0)
		d.Do(t, func(ctx context.Context) error { return d.MoveItems(ctx, m, d.Clock.Now()) })
		_, err := d.Membership(t.Context(), deleted.ID, owner.ID)
		storagetest.WantNotFound(t, "a place in a deleted team", err)
		_, err = d.Membership(t.Context(), live.ID, owner.ID)
		storagetest.Same(t, err, nil)
	})
}

// A team session ends with the session it is in, whichever way that ends, with
// its reason; others stay, and what had ended keeps when and why.
func testTeamSessionsEndWithTheirSession(t *testing.T, d *storagetest.Database) {
	at := d.Clock.Now().Add(time.Microsecond)
	for name, end := range map[string]func(ctx context.Context, s session.Session, reason string) error{
		"by hand": func(ctx context.Context, s session.Session, reason string) error {
			_, err := d.EndSessions(ctx, s.UserID, session.SessionSelector{Only: &s.ID}, reason, at)
			return err
		},
		"by an unlink": func(ctx context.Context, s session.Session, reason string) error {
			_, err := d.EndSessionsBy(ctx, *s.IdentityID, reason, at)
			return err
		},
		"by an undo": func(ctx context.Context, s session.Session, reason string) error {
			return d.EndSessionsByIdentities(ctx, []identity.ID{*s.IdentityID}, reason, at)
		},
	} {
		u := d.User(t)
		made := func() session.Session {
			i := d.Wallet(t, u.ID)
			return d.Session(t, u.ID, func(s *session.Session) { s.IdentityID = &i.ID })
		}
		s, other := made(), made()
		one, two := d.Team(t, u.ID).ID, d.Team(t, u.ID).ID
		before := d.TeamSession(t, one, s)
		before.EndedAt, before.EndReason = &before.CreatedAt, new("left")
		d.Do(t, func(ctx context.Context) error { return d.EndTeamSession(ctx, before) })
		want := []teamsession.Session{d.TeamSession(t, one, s), d.TeamSession(t, two, s)}
		stays := []teamsession.Session{before, d.TeamSession(t, one, other)}
		d.Do(t, func(ctx context.Context) error { return end(ctx, s, name) })
		for i := range want {
			want[i].EndedAt, want[i].EndReason = &at, new(name)
		}
		for _, ts := range append(want, stays...) {
			storagetest.Same(t, must[teamsession.Listed](t)(d.ListedTeamSession(t.Context(), ts.ID)).Session, ts)
		}
	}
}
