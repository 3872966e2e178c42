package user_test

import (
	"context"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/user"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// An operator's account is suspended and restored by an operator, never by an API
// key; everyone else's by either.
func TestAnAPIKeyDoesNotChangeAnOperator(t *testing.T) {
	each(t, func(t *testing.T, d *storagetest.Database, s *user.Service) {
		key := identity.NewID()
		by := map[string]identity.Actor{"key": {KeyID: &key, RecentlyVerified: true}, "operator": actor(d.User(t))}
		for _, operator := range []bool{true, false} {
			for _, from := range []identity.Status{identity.StatusActive, identity.StatusDisabled} {
				for name, a := range by {
					u := d.User(t, func(u *identity.User) { u.Operator, u.Status = operator, from })
					d.Wallet(t, u.ID)
					to, code := identity.StatusDisabled, identity.Code("")
					if from == identity.StatusDisabled {
						to = identity.StatusActive
					}
					want := to
					if operator && name == "key" {
						want, code = from, identity.CodeForbidden
					}
					_, err := s.SetStatus(t.Context(), a, u.ID, to, "", false)
					if identity.ErrorCode(err) != code || code == "" && err != nil {
						t.Errorf("operator %v, from %s by the %s: %v, want %q", operator, from, name, err, code)
					}
					if got, err := s.Get(t.Context(), u.ID); err != nil || got.Status != want {
						t.Errorf("operator %v, from %s by the %s: it is %s, want %s; %v", operator, from, name, got.Status, want, err)
					}
				}
			}
		}
	})
}

// Tickets by which others could be linked to or merged with a user, and the user's
// own, end with a suspension: restoring the user must not bring them back.
func TestSuspendingEndsTickets(t *testing.T) {
	each(t, func(t *testing.T, d *storagetest.Database, s *user.Service) {
		suspended, other, third := d.User(t), d.User(t), d.User(t)
		ticket := func(kind linking.TicketKind, owner, holder identity.User) identity.ID {
			_, hash := identity.NewSecret()
			s := d.Session(t, holder.ID)
			k := linking.Ticket{
				ID: identity.NewID(), TokenHash: hash, Kind: kind, OwnerID: owner.ID, HolderID: &holder.ID, SessionID: &s.ID, BrowserHash: identity.HashSecret("b"),
				CreatedAt: d.Clock.Now(), ExpiresAt: d.Clock.Now().Add(time.Hour),
			}
			d.Do(t, func(ctx context.Context) error { return d.InsertTicket(ctx, k) })
			return k.ID
		}
		open := map[identity.ID]bool{
			ticket(linking.TicketMerge, suspended, other): false,
			ticket(linking.TicketMerge, other, suspended): false,
			ticket(linking.TicketLink, suspended, other):  false,
			ticket(linking.TicketMerge, other, third):     true,
		}
		for _, to := range []identity.Status{identity.StatusDisabled, identity.StatusActive} {
			if _, err := s.SetStatus(t.Context(), actor(third), suspended.ID, to, "", false); err != nil {
				t.Fatal(err)
			}
			for id, want := range open {
				k, err := d.TicketByID(t.Context(), id)
				if err != nil || k.Open(d.Clock.Now()) != want {
					t.Errorf("%s: the %s ticket of %s for %s is open %v, want %v; %v", to, k.Kind, k.OwnerID, k.HolderID, !want, want, err)
				}
			}
		}
	})
}

// A suspension that would end by itself, as an imported one, no longer does once an
// operator suspends the user.
func TestSuspendingForGood(t *testing.T) {
	each(t, func(t *testing.T, d *storagetest.Database, s *user.Service) {
		u, op := d.User(t), d.User(t, func(u *identity.User) { u.Operator = true })
		until := d.Clock.Now().Add(time.Hour)
		d.Do(t, func(ctx context.Context) error { return d.Suspend(ctx, u.ID, &until, d.Clock.Now()) })
		out, err := s.SetStatus(t.Context(), actor(op), u.ID, identity.StatusDisabled, "another reason", false)
		if err != nil || out.SuspendedUntil != nil {
			t.Errorf("%+v %v", out, err)
		}
		if got, err := s.Get(t.Context(), u.ID); err != nil || got.Status != identity.StatusDisabled || got.SuspendedUntil != nil {
			t.Errorf("it is %s until %v; %v", got.Status, got.SuspendedUntil, err)
		}
	})
}

// A team is never left without an owner who can act.
func TestSuspendingTheOnlyOwner(t *testing.T) {
	each(t, func(t *testing.T, d *storagetest.Database, s *user.Service) {
		owner, second, op := d.User(t), d.User(t), d.User(t, func(u *identity.User) { u.Operator = true })
		of := d.Team(t, owner.ID)
		suspend := func() error {
			_, err := s.SetStatus(t.Context(), actor(op), owner.ID, identity.StatusDisabled, "", false)
			return err
		}
		storagetest.WantCode(t, "the only owner", suspend(), identity.CodeLastOwner)
		d.Member(t, of.ID, second.ID, team.RoleOwner)
		if err := suspend(); err != nil {
			t.Error(err)
		}
	})
}
