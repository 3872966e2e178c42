package storage_test

import (
	"context"
	"slices"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// testViolations breaks each invariant once, around the store, and looks
// whether exactly that is found.
func testViolations(t *testing.T, d *storagetest.Database) {
	// A sound world with one of everything that comes near a violation.
	owner, u := d.User(t), d.User(t)
	disabled := d.User(t, func(u *identity.User) { u.Status = identity.StatusDisabled })
	tm := d.Team(t, owner.ID)
	d.Member(t, tm.ID, u.ID, team.RoleMember)
	d.Member(t, tm.ID, disabled.ID, team.RoleOwner)
	i := d.Wallet(t, u.ID)
	s := d.Session(t, u.ID, func(s *session.Session) { s.IdentityID = &i.ID })
	ts := d.TeamSession(t, tm.ID, s)
	middle := d.User(t, merged(owner.ID))
	tombstone := d.User(t, merged(middle.ID))
	d.Session(t, tombstone.ID, func(s *session.Session) { s.EndedAt, s.EndReason = &s.CreatedAt, new("merged") })
	ended := d.TeamSession(t, d.Team(t, owner.ID).ID, d.Session(t, u.ID))
	ended.EndedAt, ended.EndReason = &ended.CreatedAt, new("removed")
	d.Do(t, func(ctx context.Context) error { return d.EndTeamSession(ctx, ended) })
	deleted := d.Team(t, owner.ID)
	deleted.DeletedAt = &deleted.CreatedAt
	d.Do(t, func(ctx context.Context) error { return d.UpdateTeam(ctx, deleted) })

	found := func() []string { return must[[]string](t)(d.Violations(t.Context())) }
	if got := found(); len(got) > 0 {
		t.Fatalf("a sound database has violations: %v", got)
	}

	d.Unsound()
	exec := func(query string, args ...any) {
		t.Helper()
		if err := d.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	broken := func(name string, want ...string) {
		t.Helper()
		slices.Sort(want)
		if got := slices.Compact(slices.Sorted(slices.Values(found()))); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, want)
		}
	}
	// Each breaks, checks, and repairs.
	active, merge := `UPDATE users SET status = 'active', merged_into = NULL WHERE id = ?`, `UPDATE users SET status = 'merged', merged_into = ? WHERE id = ?`
	tomb := tombstone.ID.String()

	exec(active, tomb)
	broken("no identity", "an active user without an identity: "+tomb)
	exec(merge, middle.ID.String(), tomb)

	bad := d.Identity(t, tombstone.ID, "google", storagetest.Word())
	broken("identity", "a tombstone with identities: "+tomb)
	remove(t, d, "identities", bad.ID)

	d.Email(t, tombstone.ID, "tomb@example.com")
	broken("address", "a tombstone with addresses: "+tomb, "a tombstone with vouchers: "+tomb)
	exec("DELETE FROM vouchers WHERE address = 'tomb@example.com'")
	broken("address without a voucher", "a tombstone with addresses: "+tomb, "an address that nothing vouches for: "+tomb)
	exec("DELETE FROM emails WHERE address = 'tomb@example.com'")

	stray := identity.Voucher{ID: identity.NewID(), Address: "stray@example.com", Provider: "google", Subject: storagetest.Word(), UserID: &owner.ID, FirstAt: d.Clock.Now(), LastAt: d.Clock.Now()}
	d.Do(t, func(ctx context.Context) error { return d.InsertVoucher(ctx, stray) })
	broken("voucher", "a live voucher of an identity that is not the user's: "+stray.ID.String())
	remove(t, d, "vouchers", stray.ID)

	grant := client.Grant{ID: identity.NewID(), UserID: tombstone.ID, ClientID: d.OAuthClient(t).ID, CreatedAt: d.Clock.Now(), UpdatedAt: d.Clock.Now()}
	d.Do(t, func(ctx context.Context) error { return d.InsertClientGrant(ctx, grant) })
	broken("grant", "a tombstone that lets an application do something: "+tomb)
	remove(t, d, "client_grants", grant.ID)

	open := d.Session(t, tombstone.ID)
	broken("session", "a tombstone with open sessions: "+tomb)
	remove(t, d, "sessions", open.ID)

	d.Member(t, tm.ID, tombstone.ID, team.RoleMember)
	broken("member", "a tombstone that is a member: "+tomb)
	exec("DELETE FROM memberships WHERE user_id = ?", tomb)

	exec(merge, tomb, middle.ID.String())
	broken("circle", "a user merged in a circle: "+tomb, "a user merged in a circle: "+middle.ID.String())
	exec(merge, owner.ID.String(), middle.ID.String())

	lone := d.User(t)
	lonely := d.Team(t, lone.ID)
	exec("UPDATE users SET status = 'disabled' WHERE id = ?", lone.ID.String())
	broken("owner disabled", "a team without an active owner: "+lonely.ID.String())
	exec("UPDATE users SET status = 'active' WHERE id = ?", lone.ID.String())
	exec("UPDATE memberships SET role = 'admin' WHERE user_id = ?", lone.ID.String())
	broken("owner demoted", "a team without an active owner: "+lonely.ID.String())
	exec("UPDATE memberships SET role = 'owner' WHERE user_id = ?", lone.ID.String())

	exec("DELETE FROM memberships WHERE user_id = ?", u.ID.String())
	broken("no member", "an open team session of someone who is no member: "+ts.ID.String())
	d.Member(t, tm.ID, u.ID, team.RoleMember)

	exec("UPDATE teams SET deleted_at = created_at WHERE id = ?", tm.ID.String())
	broken("deleted team", "an open team session of a deleted team: "+ts.ID.String())
	exec("UPDATE teams SET deleted_at = NULL WHERE id = ?", tm.ID.String())

	exec("UPDATE sessions SET ended_at = created_at, end_reason = 'over' WHERE id = ?", s.ID.String())
	broken("ended session", "an open team session of a session that has ended: "+ts.ID.String())
	exec("UPDATE sessions SET ended_at = NULL, end_reason = NULL WHERE id = ?", s.ID.String())

	exec("UPDATE team_sessions SET user_id = ? WHERE id = ?", owner.ID.String(), ts.ID.String())
	broken("foreign session", "a team session of another user's session: "+ts.ID.String())
	exec("UPDATE team_sessions SET user_id = ? WHERE id = ?", u.ID.String(), ts.ID.String())

	exec("UPDATE identities SET user_id = ? WHERE id = ?", owner.ID.String(), i.ID.String())
	broken("foreign identity", "a session of another user's identity: "+s.ID.String())
	exec("UPDATE identities SET user_id = ? WHERE id = ?", u.ID.String(), i.ID.String())
	broken("repaired")
}
