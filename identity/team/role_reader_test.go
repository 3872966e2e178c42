package team_test

import (
	"context"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// machine makes a key of a team.
func (f *fixture) machine(t *testing.T, id identity.ID, role team.Role) identity.Actor {
	t.Helper()
	k := apikey.Key{
		ID: identity.NewID(), Prefix: storagetest.Word()[:12], SecretHash: identity.HashSecret(storagetest.Word()), Name: "m", TeamID: &id, Role: &role,
		CreatedAt: f.Clock.Now(), ExpiresAt: f.Clock.Now().Add(time.Hour),
	}
	f.Do(t, func(ctx context.Context) error { return f.InsertAPIKey(ctx, k) })
	return k.Actor(identity.RequestOrigin{})
}

// What a machine may do in a service is decided there, too, by the key of now.
func TestMachines(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		owner := f.User(t)
		id, other := f.Team(t, owner.ID).ID, f.Team(t, owner.ID).ID
		guest := f.join(t, id, team.RoleMember)
		admin, member := f.machine(t, id, team.RoleAdmin), f.machine(t, id, team.RoleMember)
		email := "guest@example.com"
		invite := func(role team.Role) identity.ID {
			i, err := f.Service.Invite(t.Context(), actor(owner), id, team.Target{Email: &email}, role)
			if err != nil {
				t.Fatal(err)
			}
			return i.ID
		}
		i := invite(team.RoleMember)
		want := func(name string, err error, code identity.Code) {
			t.Helper()
			if identity.ErrorCode(err) != code || code == ok && err != nil {
				t.Errorf("%s: %v, want %q", name, err, code)
			}
		}
		for _, m := range []identity.Actor{admin, member} {
			_, err := f.Get(t.Context(), m, id)
			want("get", err, ok)
			_, err = f.Get(t.Context(), m, other)
			storagetest.WantNotFound(t, "another team", err)
			_, err = f.Rename(t.Context(), m, id, "Locks")
			want("rename", err, no)
			_, err = f.ChangeRole(t.Context(), m, id, guest.ID, team.RoleAdmin, false)
			want("change a role", err, no)
			want("remove", f.Remove(t.Context(), m, id, guest.ID), no)
			want("delete", f.Delete(t.Context(), m, id), no)
			_, err = f.Service.Invite(t.Context(), m, id, team.Target{Wallet: new("0x1")}, team.RoleMember)
			want("invite", err, no)
			storagetest.WantNotFound(t, "an invitation through another team", f.RevokeInvitation(t.Context(), m, other, i))
		}
		want("cancel", f.RevokeInvitation(t.Context(), member, id, i), no)
		want("cancel", f.RevokeInvitation(t.Context(), admin, id, i), ok)
		i = invite(team.RoleOwner)
		want("cancel an owner's", f.RevokeInvitation(t.Context(), admin, id, i), no)

		// A call that was let in before its key ended does nothing after.
		f.Do(t, func(ctx context.Context) error { _, err := f.EndTeamAPIKeys(ctx, id, f.Clock.Now()); return err })
		storagetest.WantNotFound(t, "by a key that has ended", f.RevokeInvitation(t.Context(), admin, id, i))
		err := f.RequireManager(t.Context(), admin, id)
		storagetest.WantNotFound(t, "by a key that has ended", err)
		late := f.machine(t, id, team.RoleAdmin)
		f.Clock.Advance(time.Hour)
		_, err = f.Get(t.Context(), late, id)
		storagetest.WantNotFound(t, "by a key that has expired", err)
	})
}
