package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func testTeams(t *testing.T, d *storagetest.Database) {
	t.Run("teams without an active owner are those that are there", func(t *testing.T) {
		a, b := d.User(t), d.User(t)
		alone, shared, asMember, deleted := d.Team(t, a.ID), d.Team(t, a.ID), d.Team(t, b.ID), d.Team(t, a.ID)
		d.Member(t, shared.ID, b.ID, team.RoleOwner)
		d.Member(t, asMember.ID, a.ID, team.RoleMember)
		gone := d.Clock.Now()
		deleted.DeletedAt = &gone
		d.Do(t, func(ctx context.Context) error { return d.UpdateTeam(ctx, deleted) })
		ownerless := func() []string { return must[[]string](t)(d.OwnerlessTeamsOf(t.Context(), a.ID)) }
		if got := ownerless(); len(got) != 0 {
			t.Errorf("%v", got)
		}
		setStatus := func(u identity.User, status identity.Status) {
			u.Status = status
			d.Do(t, func(ctx context.Context) error { return d.UpdateUser(ctx, u) })
		}
		setStatus(a, identity.StatusDisabled)
		storagetest.Same(t, ownerless(), []string{alone.Name})
		setStatus(a, identity.StatusActive) // leaves the database sound
	})

	t.Run("a team comes back to its members only", func(t *testing.T) {
		owner, stranger := d.User(t), d.User(t)
		tm := d.Team(t, owner.ID)
		want := team.TeamWithRole{Team: tm, Role: team.RoleOwner}
		storagetest.Same(t, must[team.TeamWithRole](t)(d.TeamFor(t.Context(), tm.ID, owner.ID)), want)
		storagetest.Same(t, must[[]team.TeamWithRole](t)(d.TeamsOf(t.Context(), owner.ID, identity.Page{Limit: 9})), []team.TeamWithRole{want})
		_, err := d.TeamFor(t.Context(), tm.ID, stranger.ID)
		storagetest.WantNotFound(t, "a stranger's team", err)
		_, err = d.TeamFor(t.Context(), identity.NewID(), owner.ID)
		storagetest.WantNotFound(t, "no team", err)
		storagetest.Same(t, len(must[[]team.TeamWithRole](t)(d.TeamsOf(t.Context(), stranger.ID, identity.Page{Limit: 9}))), 0)
	})

	t.Run("an update changes the name; a deleted team is gone for everyone", func(t *testing.T) {
		owner := d.User(t)
		tm := d.Team(t, owner.ID)
		tm.Name, tm.UpdatedAt = "Locks", tm.UpdatedAt.Add(time.Microsecond)
		d.Do(t, func(ctx context.Context) error { return d.UpdateTeam(ctx, tm) })
		d.Do(t, func(ctx context.Context) error {
			got, err := d.LockTeam(ctx, tm.ID)
			storagetest.Same(t, got, tm)
			return err
		})
		tm.DeletedAt = &tm.UpdatedAt
		d.Do(t, func(ctx context.Context) error { return d.UpdateTeam(ctx, tm) })
		d.Do(t, func(ctx context.Context) error {
			_, err := d.LockTeam(ctx, tm.ID)
			storagetest.WantNotFound(t, "lock", err)
			_, err = d.TeamFor(ctx, tm.ID, owner.ID)
			storagetest.WantNotFound(t, "read", err)
			got, err := d.TeamsOf(ctx, owner.ID, identity.Page{Limit: 9})
			storagetest.Same(t, len(got), 0)
			return err
		})
	})

	t.Run("places tell the role and since when, in teams that are there", func(t *testing.T) {
		owner, u := d.User(t), d.User(t)
		first, gone, own := d.Team(t, owner.ID), d.Team(t, owner.ID), d.Team(t, u.ID)
		d.Member(t, gone.ID, u.ID, team.RoleMember)
		d.Clock.Advance(time.Hour) // a member later than the team was made
		joined := d.Member(t, first.ID, u.ID, team.RoleAdmin)
		gone.DeletedAt = &gone.UpdatedAt
		d.Do(t, func(ctx context.Context) error { return d.UpdateTeam(ctx, gone) })
		storagetest.Same(t, must[[]team.MembershipWithTeam](t)(d.MembershipsWithTeam(t.Context(), u.ID, identity.Page{Limit: 9})), []team.MembershipWithTeam{
			{Membership: joined, TeamName: first.Name},
			{Membership: team.Membership{TeamID: own.ID, UserID: u.ID, Role: team.RoleOwner, CreatedAt: own.CreatedAt}, TeamName: own.Name},
		})
		storagetest.Same(t, len(must[[]team.MembershipWithTeam](t)(d.MembershipsWithTeam(t.Context(), identity.NewID(), identity.Page{Limit: 9}))), 0)
	})

	t.Run("members", func(t *testing.T) { testMembers(t, d) })
	t.Run("what their users are known by", func(t *testing.T) { testSummaries(t, d) })

	t.Run("owners count while they are active", func(t *testing.T) {
		a, b, disabled := d.User(t), d.User(t), d.User(t, func(u *identity.User) { u.Status = identity.StatusDisabled })
		tm, other := d.Team(t, a.ID), d.Team(t, b.ID)
		d.Member(t, tm.ID, b.ID, team.RoleAdmin)
		d.Member(t, tm.ID, disabled.ID, team.RoleOwner)
		storagetest.Same(t, must[int](t)(d.CountActiveOwners(t.Context(), tm.ID)), 1)
		d.Do(t, func(ctx context.Context) error {
			return d.UpdateRole(ctx, team.Membership{TeamID: tm.ID, UserID: b.ID, Role: team.RoleOwner})
		})
		storagetest.Same(t, must[int](t)(d.CountActiveOwners(t.Context(), tm.ID)), 2)
		storagetest.Same(t, must[int](t)(d.CountActiveOwners(t.Context(), other.ID)), 1)
		storagetest.Same(t, must[int](t)(d.CountActiveOwners(t.Context(), identity.NewID())), 0)
	})
}

// No list shows the wallet of a user who is known by something else.
func testSummaries(t *testing.T, d *storagetest.Database) {
	nameless := func(u *identity.User) { u.DisplayName = "" }
	bare, named, mailed := d.User(t, nameless), d.User(t), d.User(t, nameless)
	address := d.Email(t, mailed.ID, storagetest.Word()+"@example.com").Address
	d.Do(t, func(ctx context.Context) error { return d.SetPrimaryEmail(ctx, mailed.ID, address, mailed.UpdatedAt) })
	d.Wallet(t, bare.ID)
	var primary, other identity.Identity
	for _, u := range []identity.User{mailed, named, bare} {
		other, primary = primary, d.Wallet(t, u.ID, func(i *identity.Identity) { i.IsPrimary = true })
	}
	want := map[identity.ID]identity.Summary{
		bare.ID: {PrimaryWallet: primary.WalletAddress}, named.ID: {DisplayName: named.DisplayName}, mailed.ID: {PrimaryEmail: &address},
	}
	wallets := map[identity.ID]*string{bare.ID: primary.WalletAddress, named.ID: other.WalletAddress}
	ids := []identity.ID{bare.ID, named.ID, mailed.ID}
	storagetest.Same(t, must[map[identity.ID]identity.Summary](t)(d.Summaries(t.Context(), append(ids, identity.NewID()))), want)
	storagetest.Same(t, len(must[map[identity.ID]identity.Summary](t)(d.Summaries(t.Context(), nil))), 0)
	for _, id := range ids {
		tm, s := d.Team(t, id), d.Session(t, id)
		ts := d.TeamSession(t, tm.ID, s)
		storagetest.Same(t, must[team.Member](t)(d.DB.Member(t.Context(), tm.ID, id)).Summary, want[id])
		storagetest.Same(t, must[[]team.Member](t)(d.Members(t.Context(), tm.ID, identity.Page{Limit: 9}))[0].Summary, want[id])
		storagetest.Same(t, must[teamsession.Listed](t)(d.ListedTeamSession(t.Context(), ts.ID)).Summary, want[id])
		storagetest.Same(t, must[[]session.Listed](t)(d.Sessions(t.Context(), session.Filter{UserID: &id}, d.Clock.Now(), identity.Page{Limit: 9}))[0].Summary, want[id])
		for _, i := range []team.Invitation{{Email: &address}, {Wallet: wallets[id]}, {Wallet: primary.WalletAddress}} {
			i.TeamID = tm.ID
			shown := id == mailed.ID && i.Email != nil || id == bare.ID && i.Wallet != nil
			storagetest.Same(t, must[bool](t)(d.ShownAsMember(t.Context(), i)), shown)
		}
	}
}

func testMembers(t *testing.T, d *storagetest.Database) {
	owner := d.User(t)
	u := d.User(t, func(u *identity.User) { u.DisplayName = "Grace" })
	tm, other := d.Team(t, owner.ID), d.Team(t, u.ID)
	address := d.Email(t, u.ID, storagetest.Word()+"@example.com").Address
	d.Do(t, func(ctx context.Context) error { return d.SetPrimaryEmail(ctx, u.ID, address, u.UpdatedAt) })
	m := d.Member(t, tm.ID, u.ID, team.RoleMember)
	want := team.Member{Membership: m, Summary: identity.Summary{DisplayName: "Grace", PrimaryEmail: &address}}
	storagetest.Same(t, must[team.Membership](t)(d.Membership(t.Context(), tm.ID, u.ID)), m)
	storagetest.Same(t, must[team.Member](t)(d.DB.Member(t.Context(), tm.ID, u.ID)), want)
	list := must[[]team.Member](t)(d.Members(t.Context(), tm.ID, identity.Page{Limit: 9}))
	storagetest.Same(t, len(list), 2)
	storagetest.Same(t, list[1], want)

	// A second insert changes nothing and says so.
	d.Do(t, func(ctx context.Context) error {
		inserted, err := d.InsertMembership(ctx, team.Membership{TeamID: tm.ID, UserID: u.ID, Role: team.RoleOwner, CreatedAt: m.CreatedAt})
		storagetest.Same(t, inserted, false)
		return err
	})
	m.Role, m.RoleSince = team.RoleAdmin, new(m.CreatedAt.Add(time.Minute))
	changed := m
	changed.CreatedAt = m.CreatedAt.Add(time.Hour)
	d.Do(t, func(ctx context.Context) error { return d.UpdateRole(ctx, changed) })
	storagetest.Same(t, must[team.Membership](t)(d.Membership(t.Context(), tm.ID, u.ID)), m)

	d.Do(t, func(ctx context.Context) error { return d.DeleteMembership(ctx, tm.ID, u.ID) })
	_, err := d.Membership(t.Context(), tm.ID, u.ID)
	storagetest.WantNotFound(t, "a removed member", err)
	_, err = d.DB.Member(t.Context(), tm.ID, u.ID)
	storagetest.WantNotFound(t, "a removed member with their name", err)
	storagetest.Same(t, must[team.Membership](t)(d.Membership(t.Context(), other.ID, u.ID)).Role, team.RoleOwner)
}
