package storage_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

func testSecrets(t *testing.T, d *storagetest.Database) {
	newSecret := func() identity.SingleUse {
		_, hash := identity.NewSecret()
		return identity.SingleUse{Hash: hash, ExpiresAt: d.Clock.Now().Add(time.Hour)}
	}
	burn := func(t *testing.T, s identity.SingleUse) (first bool) {
		t.Helper()
		err := d.InTx(t.Context(), func(ctx context.Context) error { return d.BurnSecret(ctx, s) })
		if err != nil && identity.ErrorCode(err) != identity.CodeProofUsed {
			t.Error(err)
		}
		return err == nil
	}

	t.Run("a secret burns once", func(t *testing.T) {
		a, b := newSecret(), newSecret()
		storagetest.Same(t, []bool{burn(t, a), burn(t, b), burn(t, a), burn(t, b)}, []bool{true, true, false, false})
	})

	t.Run("in 50 transactions at once, in one of them", func(t *testing.T) {
		s := newSecret()
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if burn(t, s) {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		storagetest.Same(t, won.Load(), 1)
	})

	t.Run("what rolls back has not burned", func(t *testing.T) {
		s := newSecret()
		err := d.InTx(t.Context(), func(ctx context.Context) error {
			return errors.Join(d.BurnSecret(ctx, s), errTest)
		})
		if !errors.Is(err, errTest) || identity.ErrorCode(err) != "" {
			t.Error(err)
		}
		storagetest.Same(t, burn(t, s), true)
	})

	t.Run("one that is burned fails all that its transaction does", func(t *testing.T) {
		s, u := newSecret(), d.User(t)
		storagetest.Same(t, burn(t, s), true)
		for name, rest := range map[string]func(ctx context.Context) error{
			"nothing": func(context.Context) error { return nil },
			"a write": func(ctx context.Context) error {
				return d.InsertUser(ctx, identity.User{ID: identity.NewID(), Status: identity.StatusActive})
			},
			"a read": func(ctx context.Context) error {
				if got, err := d.LockUsers(ctx, u.ID); err == nil && d.Engine == storagetest.Postgres {
					t.Errorf("%+v was read", got)
				}
				return nil
			},
			"a hot read": func(ctx context.Context) error {
				if _, _, err := d.IdentityOwner(ctx, "p", "s"); identity.ErrorCode(err) != identity.CodeProofUsed && d.Engine == storagetest.Postgres {
					t.Errorf("read: %v", err)
				}
				return nil
			},
			"a write with an outcome": func(ctx context.Context) error {
				_, err := d.InsertMembership(ctx, team.Membership{TeamID: identity.NewID(), UserID: u.ID, Role: team.RoleMember})
				if err == nil && d.Engine == storagetest.Postgres {
					t.Error("it was written")
				}
				return nil
			},
			"an error of its own": func(ctx context.Context) error {
				_, _, err := d.IdentityOwner(ctx, "p", "s")
				return errors.Join(errTest, err)
			},
		} {
			before := d.Count(t, "users")
			err := d.InTx(t.Context(), func(ctx context.Context) error {
				if err := d.BurnSecret(ctx, s); err != nil {
					return err
				}
				return rest(ctx)
			})
			if identity.ErrorCode(err) != identity.CodeProofUsed {
				t.Errorf("%s: %v", name, err)
			}
			storagetest.Same(t, d.Count(t, "users"), before)
		}
	})

	t.Run("a ticket is found by its hash, with the exact proof", func(t *testing.T) {
		u := d.User(t)
		s := d.Session(t, u.ID)
		proof := linking.StoredProof{
			Provider: "siwe", Subject: "it's ?1 \\u0000", Purpose: identity.PurposeLink, Email: "a@example.com", EmailAuthoritative: true,
			DisplayName: "A", Wallet: &identity.Wallet{Address: "0x", ChainID: 1<<53 + 1, Kind: "eoa"},
		}
		ticket := linking.Ticket{
			ID: identity.NewID(), TokenHash: hash(), Kind: linking.TicketMerge, OwnerID: d.User(t).ID, HolderID: &u.ID, SessionID: &s.ID,
			BrowserHash: hash(), Proof: proof, CreatedAt: d.Clock.Now(), ExpiresAt: d.Clock.Now().Add(time.Hour),
		}
		withSecret := ticket
		withSecret.Proof.Secret = new(newSecret()) // of which nothing is kept
		d.Do(t, func(ctx context.Context) error { return d.InsertTicket(ctx, withSecret) })
		get := func() (got linking.Ticket) {
			d.Do(t, func(ctx context.Context) (err error) { got, err = d.LockTicket(ctx, ticket.TokenHash); return err })
			return got
		}
		storagetest.Same(t, get(), ticket)
		ticket.UsedAt = new(d.Clock.Now().Add(time.Microsecond))
		d.Do(t, func(ctx context.Context) error { return d.UseTicket(ctx, ticket) })
		storagetest.Same(t, get(), ticket)
		d.Do(t, func(ctx context.Context) error {
			_, err := d.LockTicket(ctx, hash())
			storagetest.WantNotFound(t, "no ticket", err)
			return nil
		})
	})
}

func testEvents(t *testing.T, d *storagetest.Database) {
	if err := d.RecordEvents(t.Context()); err != nil {
		t.Errorf("no events are nothing to write: %v", err)
	}
	full := identity.Event{
		ID: identity.NewID(), At: d.Clock.Now(), Action: identity.ActionTeamUpdated,
		ActorID: new(identity.NewID()), UserID: new(identity.NewID()), TeamID: new(identity.NewID()), SessionID: new(identity.NewID()),
		IP: "192.0.2.1", UserAgent: "agent", Data: identity.Metadata{"k": "v"},
	}
	bare := identity.Event{ID: identity.NewID(), At: d.Clock.Now(), Action: identity.ActionTeamDeleted}
	d.Do(t, func(ctx context.Context) error { return d.RecordEvents(ctx, full, bare) })
	var action, data string
	var actor, user, tm, sess *string
	row := func(id identity.ID) {
		t.Helper()
		query := "SELECT action, actor_id, user_id, team_id, session_id, data FROM audit_events WHERE id = '" + id.String() + "'"
		if err := d.SQL.QueryRowContext(t.Context(), query).Scan(&action, &actor, &user, &tm, &sess, &data); err != nil {
			t.Fatal(err)
		}
	}
	row(full.ID)
	storagetest.Same(t, []any{action, actor, user, tm, sess}, []any{full.Action, full.ActorID, full.UserID, full.TeamID, full.SessionID})
	row(bare.ID)
	storagetest.Same(t, []any{action, actor, user, tm, sess, data}, []any{bare.Action, nil, nil, nil, nil, "{}"})
}

func testSweep(t *testing.T, d *storagetest.Database) {
	now := d.Clock.Now()
	before := now.Add(-time.Hour)
	u := d.User(t)
	tm := d.Team(t, u.ID)
	tick := time.Microsecond

	at := func(expires time.Time) {
		d.Do(t, func(ctx context.Context) error {
			if err := d.BurnSecret(ctx, identity.SingleUse{Hash: hash(), ExpiresAt: expires}); err != nil {
				return err
			}
			return d.InsertTicket(ctx, linking.Ticket{
				ID: identity.NewID(), TokenHash: hash(), Kind: linking.TicketLink, OwnerID: u.ID, BrowserHash: hash(),
				CreatedAt: now, ExpiresAt: expires,
			})
		})
	}
	for _, expires := range []time.Time{now.Add(-tick), now, now.Add(tick)} {
		at(expires)
	}
	keep := map[identity.ID]bool{d.Session(t, u.ID).ID: true}
	edit := map[string]func(s *session.Session, at time.Time){
		"absolute": func(s *session.Session, at time.Time) { s.ExpiresAt = at },
		"idle":     func(s *session.Session, at time.Time) { s.IdleExpiresAt = at },
		"ended":    func(s *session.Session, at time.Time) { s.EndedAt, s.EndReason = &at, new("over") },
	}
	for _, e := range edit {
		for _, when := range []time.Time{before.Add(-tick), before, before.Add(tick)} {
			s := d.Session(t, u.ID, func(s *session.Session) { e(s, when) })
			keep[s.ID] = !when.Before(before)
		}
	}
	d.Invite(t, tm.ID, u.ID, func(i *team.Invitation) { i.ExpiresAt = before.Add(-time.Hour) })
	old := d.Session(t, u.ID, func(s *session.Session) { s.ExpiresAt = before.Add(-tick) })
	d.TeamSession(t, tm.ID, old) // goes with its session
	users, invitations := d.Count(t, "users"), d.Count(t, "invitations")

	gone, err := d.Sweep(t.Context(), now, before)
	if err != nil || gone != 1+1+4 {
		t.Errorf("swept %d, %v; want 6", gone, err)
	}
	left := must[[]session.Listed](t)(d.DB.Sessions(t.Context(), session.Filter{}, now, identity.Page{Limit: 99}))
	for _, s := range left {
		if !keep[s.ID] {
			t.Errorf("session %+v should have gone", s)
		}
	}
	counts := []int{len(left), d.Count(t, "burned_secrets"), d.Count(t, "tickets"), d.Count(t, "team_sessions")}
	storagetest.Same(t, counts, []int{7, 2, 2, 0})
	storagetest.Same(t, []int{d.Count(t, "users"), d.Count(t, "invitations")}, []int{users, invitations})
	if gone, err := d.Sweep(t.Context(), now, before); err != nil || gone != 0 {
		t.Errorf("a second sweep took %d, %v", gone, err)
	}
}
