package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func testInvitations(t *testing.T, d *storagetest.Database) {
	insert := func(t *testing.T, i team.Invitation) (inserted bool) {
		t.Helper()
		d.Do(t, func(ctx context.Context) (err error) { inserted, err = d.InsertInvitation(ctx, i); return err })
		return inserted
	}

	t.Run("every field comes back, open and closed", func(t *testing.T) {
		owner := d.User(t)
		tm := d.Team(t, owner.ID)
		byMail := d.Invite(t, tm.ID, owner.ID, func(i *team.Invitation) { i.Role = team.RoleAdmin })
		byWallet := d.Invite(t, tm.ID, owner.ID, func(i *team.Invitation) { i.Wallet = new(storagetest.Address()) })
		for _, want := range []team.Invitation{byMail, byWallet} {
			storagetest.Same(t, must[team.Invitation](t)(d.Invitation(t.Context(), want.ID)), want)
		}
		list := must[[]team.Invitation](t)(d.OpenInvitations(t.Context(), tm.ID, d.Clock.Now(), identity.Page{Limit: 9}))
		storagetest.Same(t, list, []team.Invitation{byWallet, byMail})

		at := d.Clock.Now().Add(time.Microsecond)
		byMail.ClosedAt, byMail.Outcome = &at, new(team.OutcomeDeclined)
		d.Do(t, func(ctx context.Context) error { return d.CloseInvitation(ctx, byMail) })
		storagetest.Same(t, must[team.Invitation](t)(d.Invitation(t.Context(), byMail.ID)), byMail)
		list = must[[]team.Invitation](t)(d.OpenInvitations(t.Context(), tm.ID, d.Clock.Now(), identity.Page{Limit: 9}))
		storagetest.Same(t, list, []team.Invitation{byWallet})
		_, err := d.Invitation(t.Context(), identity.NewID())
		storagetest.WantNotFound(t, "no invitation", err)
	})

	t.Run("one open one for each address and wallet in a team", func(t *testing.T) {
		owner := d.User(t)
		tm, other := d.Team(t, owner.ID), d.Team(t, owner.ID)
		for name, to := range map[string]func(i *team.Invitation){
			"email":  func(i *team.Invitation) { i.Email = new("one@example.com") },
			"wallet": func(i *team.Invitation) { i.Wallet = new("0xone") },
		} {
			first := d.Invite(t, tm.ID, owner.ID, to)
			d.Invite(t, other.ID, owner.ID, to)
			second := first
			second.ID = identity.NewID()
			if insert(t, second) {
				t.Errorf("%s: a second open invitation was made", name)
			}
			closed := first
			closed.ClosedAt, closed.Outcome = &first.CreatedAt, new(team.OutcomeRevoked)
			d.Do(t, func(ctx context.Context) error { return d.CloseInvitation(ctx, closed) })
			if !insert(t, second) {
				t.Errorf("%s: a closed invitation is in the way", name)
			}
		}
	})

	t.Run("an expired one gives way, from the very instant on", func(t *testing.T) {
		owner := d.User(t)
		tm := d.Team(t, owner.ID)
		first := d.Invite(t, tm.ID, owner.ID)
		next := first
		next.ID, next.ExpiresAt = identity.NewID(), first.ExpiresAt.Add(time.Hour)
		next.CreatedAt = first.ExpiresAt.Add(-time.Microsecond)
		if insert(t, next) {
			t.Error("gave way a microsecond early")
		}
		next.CreatedAt = first.ExpiresAt
		if !insert(t, next) {
			t.Error("is in the way though expired")
		}
		first.ClosedAt, first.Outcome = &next.CreatedAt, new(team.OutcomeRevoked)
		storagetest.Same(t, must[team.Invitation](t)(d.Invitation(t.Context(), first.ID)), first)
		for at, open := range map[time.Duration]int{-time.Microsecond: 1, 0: 0, time.Microsecond: 0} {
			list := must[[]team.Invitation](t)(d.OpenInvitations(t.Context(), tm.ID, next.ExpiresAt.Add(at), identity.Page{Limit: 9}))
			storagetest.Same(t, len(list), open)
		}
	})

	t.Run("those by e-mail are counted, by team, inviter and address, closed ones too", func(t *testing.T) {
		owner, other := d.User(t), d.User(t)
		one, two := d.Team(t, owner.ID), d.Team(t, owner.ID)
		address, since := storagetest.Word()+"@example.com", d.Clock.Now()
		at := func(after time.Duration) func(i *team.Invitation) {
			return func(i *team.Invitation) { i.CreatedAt = since.Add(after) }
		}
		mail := func(i *team.Invitation) { i.Email = &address }
		counted := d.Invite(t, one.ID, owner.ID, mail, at(time.Microsecond))
		count := func() team.EmailCounts {
			return must[team.EmailCounts](t)(d.CountEmailInvitations(t.Context(), counted, since))
		}
		storagetest.Same(t, count(), team.EmailCounts{ByTeam: 1, ByInviter: 1, ToAddress: 1})
		d.Invite(t, one.ID, owner.ID, at(0)) // at the very moment, not after
		d.Invite(t, one.ID, owner.ID, at(time.Second), func(i *team.Invitation) { i.Wallet = new(storagetest.Address()) })
		storagetest.Same(t, count(), team.EmailCounts{ByTeam: 1, ByInviter: 1, ToAddress: 1})
		d.Invite(t, one.ID, other.ID, at(time.Second))
		storagetest.Same(t, count(), team.EmailCounts{ByTeam: 2, ByInviter: 1, ToAddress: 1})
		d.Invite(t, two.ID, owner.ID, at(time.Second))
		storagetest.Same(t, count(), team.EmailCounts{ByTeam: 2, ByInviter: 2, ToAddress: 1})
		d.Invite(t, two.ID, other.ID, mail, at(time.Second))
		storagetest.Same(t, count(), team.EmailCounts{ByTeam: 2, ByInviter: 2, ToAddress: 2})
		closed := counted
		closed.ClosedAt, closed.Outcome = &closed.CreatedAt, new(team.OutcomeRevoked)
		d.Do(t, func(ctx context.Context) error { return d.CloseInvitation(ctx, closed) })
		storagetest.Same(t, count(), team.EmailCounts{ByTeam: 2, ByInviter: 2, ToAddress: 2})
	})

	t.Run("receivers", func(t *testing.T) { testReceivers(t, d) })
}

func testReceivers(t *testing.T, d *storagetest.Database) {
	owner, u, other := d.User(t), d.User(t), d.User(t)
	tm, deleted := d.Team(t, owner.ID), d.Team(t, owner.ID)
	address := d.Email(t, u.ID, storagetest.Word()+"@example.com").Address
	wallet := d.Wallet(t, u.ID).WalletAddress
	// The code at a contract's address on one chain is not its owner on another.
	contract := d.Wallet(t, u.ID, func(i *identity.Identity) { i.WalletKind = new("contract") }).WalletAddress
	shown := identity.Identity{
		ID: identity.NewID(), UserID: u.ID, Provider: "github", Subject: storagetest.Word(), Email: storagetest.Word() + "@shown.example",
		CreatedAt: d.Clock.Now(), LastUsedAt: d.Clock.Now(),
	}
	d.Do(t, func(ctx context.Context) error { return d.InsertIdentity(ctx, shown) })

	mail := func(a string) func(*team.Invitation) { return func(i *team.Invitation) { i.Email = &a } }
	byMail := d.Invite(t, tm.ID, owner.ID, mail(address))
	byWallet := d.Invite(t, tm.ID, owner.ID, func(i *team.Invitation) { i.Wallet = wallet })
	inDeleted := d.Invite(t, deleted.ID, owner.ID, mail(address))
	deleted.DeletedAt = new(d.Clock.Now())
	d.Do(t, func(ctx context.Context) error { return d.UpdateTeam(ctx, deleted) })
	foreign := []team.Invitation{
		d.Invite(t, tm.ID, owner.ID, mail(shown.Email)), // shown, never verified
		d.Invite(t, tm.ID, owner.ID, func(i *team.Invitation) { i.Wallet = contract }),
		d.Invite(t, tm.ID, owner.ID, mail("x"+address)),
		d.Invite(t, tm.ID, owner.ID, mail("%@example.com")),
	}

	list := func(user identity.ID, at time.Time) []team.Received {
		return must[[]team.Received](t)(d.InvitationsFor(t.Context(), user, at, identity.Page{Limit: 9}))
	}
	now := d.Clock.Now()
	want := []team.Received{{Invitation: byWallet, TeamName: tm.Name}, {Invitation: byMail, TeamName: tm.Name}}
	storagetest.Same(t, list(u.ID, now), want)
	storagetest.Same(t, len(list(u.ID, byMail.ExpiresAt)), 0)
	storagetest.Same(t, len(list(u.ID, byMail.ExpiresAt.Add(-time.Microsecond))), 2)
	storagetest.Same(t, len(list(other.ID, now)), 0)
	for _, i := range []team.Invitation{byMail, byWallet, inDeleted} {
		storagetest.Same(t, must[bool](t)(d.Owns(t.Context(), u.ID, i)), true)
		storagetest.Same(t, must[bool](t)(d.Owns(t.Context(), other.ID, i)), false)
	}
	for _, i := range foreign {
		storagetest.Same(t, must[bool](t)(d.Owns(t.Context(), u.ID, i)), false)
	}
	byMail.ClosedAt, byMail.Outcome = &now, new(team.OutcomeRevoked)
	d.Do(t, func(ctx context.Context) error { return d.CloseInvitation(ctx, byMail) })
	storagetest.Same(t, list(u.ID, now), want[:1])
}
