package team_test

import (
	"context"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// fixture is the service over a real storage.
type fixture struct {
	*storagetest.Database
	*team.Service
}

func each(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		test(t, &fixture{d, team.NewService(d.DB, d.Clock.Now)})
	})
}

func actor(u identity.User) identity.Actor {
	return identity.Actor{UserID: u.ID, SessionID: identity.NewID(), RecentlyVerified: true}
}

// join makes a user a member.
func (f *fixture) join(t *testing.T, id identity.ID, role team.Role) identity.User {
	t.Helper()
	u := f.User(t)
	f.Database.Member(t, id, u.ID, role)
	return u
}

func (f *fixture) role(t *testing.T, id, user identity.ID) team.Role {
	t.Helper()
	m, err := f.Membership(t.Context(), id, user)
	if err != nil {
		return "none"
	}
	return m.Role
}

var (
	roles = []team.Role{team.RoleOwner, team.RoleAdmin, team.RoleMember}
	page  = identity.Page{Limit: 50}
)

const (
	ok = identity.Code("")
	no = identity.CodeForbidden
)

// Who may do what to the team as a whole: owner, admin, member.
func TestRolesAndTheTeam(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for _, action := range []struct {
			name string
			do   func(a identity.Actor, id identity.ID) error
			want [3]identity.Code
		}{
			{"read", func(a identity.Actor, id identity.ID) error { _, err := f.Get(t.Context(), a, id); return err }, [3]identity.Code{ok, ok, ok}},
			{"members", func(a identity.Actor, id identity.ID) error {
				_, _, err := f.Service.Members(t.Context(), a, id, page)
				return err
			}, [3]identity.Code{ok, ok, ok}},
			{"rename", func(a identity.Actor, id identity.ID) error {
				_, err := f.Rename(t.Context(), a, id, " Locks ")
				return err
			}, [3]identity.Code{ok, ok, no}},
			{"invitations", func(a identity.Actor, id identity.ID) error {
				_, _, err := f.Invitations(t.Context(), a, id, page)
				return err
			}, [3]identity.Code{ok, ok, no}},
			{"delete when stale", func(a identity.Actor, id identity.ID) error {
				a.RecentlyVerified = false
				return f.Delete(t.Context(), a, id)
			}, [3]identity.Code{identity.CodeReauthRequired, no, no}},
			{"delete", func(a identity.Actor, id identity.ID) error { return f.Delete(t.Context(), a, id) }, [3]identity.Code{ok, no, no}},
		} {
			for i, role := range roles {
				id := f.Team(t, f.User(t).ID).ID
				by := f.join(t, id, role)
				err := action.do(actor(by), id)
				if identity.ErrorCode(err) != action.want[i] || action.want[i] == ok && err != nil {
					t.Errorf("%s by %s: %v, want %q", action.name, role, err, action.want[i])
				}
			}
			// For anyone else, and for members of another team, there is no such team.
			id := f.Team(t, f.User(t).ID).ID
			stranger := f.join(t, f.Team(t, f.User(t).ID).ID, team.RoleOwner)
			storagetest.WantNotFound(t, action.name+" by a stranger", action.do(actor(stranger), id))
		}
	})
}

// Who may do what to whom: by owner, admin, member; to owner, admin, member.
func TestRolesAndMembers(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		type matrix [3][3]identity.Code
		acts := matrix{{ok, ok, ok}, {no, ok, ok}, {no, no, no}}
		check := func(name string, by, of int, err error, want identity.Code) {
			t.Helper()
			if identity.ErrorCode(err) != want || want == ok && err != nil {
				t.Errorf("%s by %s, %s: %v, want %q", name, roles[by], roles[of], err, want)
			}
		}
		for i, by := range roles {
			for j, of := range roles {
				id := f.Team(t, f.User(t).ID).ID
				boss, other := f.join(t, id, by), f.join(t, id, of)
				for k, to := range roles {
					_, err := f.ChangeRole(t.Context(), actor(boss), id, other.ID, to, false)
					want := acts[i][j]
					if want == ok {
						want = acts[i][k]
					}
					check("role "+string(to), i, j, err, want)
					f.Do(t, func(ctx context.Context) error {
						return f.UpdateRole(ctx, team.Membership{TeamID: id, UserID: other.ID, Role: of})
					})
				}
				check("remove", i, j, f.Remove(t.Context(), actor(boss), id, other.ID), acts[i][j])
				if gone := f.role(t, id, other.ID) == "none"; gone != (acts[i][j] == ok) {
					t.Errorf("%s removed by %s: %v", of, by, gone)
				}
				_, err := f.Service.Invite(t.Context(), actor(boss), id, team.Target{Email: new("New@example.com")}, of)
				check("invite", i, j, err, acts[i][j])
				invitation := f.Database.Invite(t, id, boss.ID, func(i *team.Invitation) { i.Role = of })
				check("cancel", i, j, f.RevokeInvitation(t.Context(), actor(boss), id, invitation.ID), acts[i][j])
				check("leave", i, i, f.Remove(t.Context(), actor(boss), id, boss.ID), ok)
			}
		}
		id := f.Team(t, f.User(t).ID).ID
		owner := f.join(t, id, team.RoleOwner)
		elsewhere := f.Team(t, owner.ID)
		foreign := f.join(t, elsewhere.ID, team.RoleMember)
		invitation := f.Database.Invite(t, elsewhere.ID, owner.ID)
		_, err := f.ChangeRole(t.Context(), actor(owner), id, foreign.ID, team.RoleAdmin, false)
		storagetest.WantNotFound(t, "role of another team's member", err)
		storagetest.WantNotFound(t, "removal of another team's member", f.Remove(t.Context(), actor(owner), id, foreign.ID))
		storagetest.WantNotFound(t, "another team's invitation", f.RevokeInvitation(t.Context(), actor(owner), id, invitation.ID))
	})
}

func TestTheLastOwnerStays(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		owner := f.User(t)
		id := f.Team(t, owner.ID).ID
		f.join(t, id, team.RoleAdmin)
		disabled := f.User(t, func(u *identity.User) { u.Status = identity.StatusDisabled })
		f.Database.Member(t, id, disabled.ID, team.RoleOwner) // who does not count
		for _, to := range []team.Role{team.RoleAdmin, team.RoleMember} {
			_, err := f.ChangeRole(t.Context(), actor(owner), id, owner.ID, to, false)
			storagetest.WantCode(t, "demoted to "+string(to), err, identity.CodeLastOwner)
		}
		storagetest.WantCode(t, "leaving", f.Remove(t.Context(), actor(owner), id, owner.ID), identity.CodeLastOwner)
		storagetest.Same(t, f.role(t, id, owner.ID), team.RoleOwner)
		if _, err := f.ChangeRole(t.Context(), actor(owner), id, owner.ID, team.RoleOwner, false); err != nil {
			t.Errorf("staying owner: %v", err)
		}
	})
}

// A transfer changes both roles or none, and takes an owner.
func TestTransfer(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		id := f.Team(t, f.User(t).ID).ID
		owner, admin, heir := f.join(t, id, team.RoleOwner), f.join(t, id, team.RoleAdmin), f.join(t, id, team.RoleMember)
		transfer := func(by, to identity.User, endKeys bool) error {
			_, err := f.Service.Transfer(t.Context(), actor(by), id, to.ID, endKeys)
			return err
		}
		storagetest.WantCode(t, "by an admin", transfer(admin, heir, false), identity.CodeForbidden)
		storagetest.WantCode(t, "by a member", transfer(heir, admin, false), identity.CodeForbidden)
		storagetest.WantCode(t, "to oneself", transfer(owner, owner, false), identity.CodeInvalidRequest)
		storagetest.WantNotFound(t, "to a stranger", transfer(owner, f.User(t), false))
		stale := actor(owner)
		stale.RecentlyVerified = false
		_, err := f.Service.Transfer(t.Context(), stale, id, heir.ID, true)
		storagetest.WantCode(t, "ending keys without a recent sign-in", err, identity.CodeReauthRequired)
		storagetest.Same(t, []team.Role{f.role(t, id, owner.ID), f.role(t, id, heir.ID)}, []team.Role{team.RoleOwner, team.RoleMember})

		m, err := f.Service.Transfer(t.Context(), actor(owner), id, heir.ID, false)
		if err != nil || m.Role != team.RoleOwner || m.UserID != heir.ID {
			t.Errorf("the new owner: %+v, %v", m, err)
		}
		storagetest.Same(t, []team.Role{f.role(t, id, owner.ID), f.role(t, id, heir.ID)}, []team.Role{team.RoleAdmin, team.RoleOwner})
		storagetest.WantCode(t, "again", transfer(owner, heir, false), identity.CodeForbidden)
	})
}

// To a member who is suspended a team is not lost.
func TestTransferToASuspendedMember(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		owner := f.User(t)
		id := f.Team(t, owner.ID).ID
		disabled := f.User(t, func(u *identity.User) { u.Status = identity.StatusDisabled })
		f.Database.Member(t, id, disabled.ID, team.RoleMember)
		_, err := f.Service.Transfer(t.Context(), actor(owner), id, disabled.ID, false)
		storagetest.WantCode(t, "to a suspended member", err, identity.CodeLastOwner)
		storagetest.Same(t, []team.Role{f.role(t, id, owner.ID), f.role(t, id, disabled.ID)}, []team.Role{team.RoleOwner, team.RoleMember})
	})
}

// Everyone goes at once, by leaving, by being demoted and by being removed: one
// owner stays.
func TestOwnersGoAtOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for _, n := range []int{2, 2, 2, 10} {
			first := f.User(t)
			id := f.Team(t, first.ID).ID
			owners := []identity.User{first}
			for range n - 1 {
				owners = append(owners, f.join(t, id, team.RoleOwner))
			}
			testkit.Together(n, func(i int) {
				me, next := owners[i], owners[(i+1)%n]
				var err error
				switch i % 3 {
				case 0:
					err = f.Remove(t.Context(), actor(me), id, me.ID)
				case 1:
					_, err = f.ChangeRole(t.Context(), actor(me), id, me.ID, team.RoleMember, false)
				default:
					err = f.Remove(t.Context(), actor(me), id, next.ID)
				}
				if code := identity.ErrorCode(err); err != nil && code != identity.CodeLastOwner && code != identity.CodeForbidden {
					storagetest.WantNotFound(t, "gone before", err)
				}
			})
			if left, err := f.CountActiveOwners(t.Context(), id); err != nil || left < 1 {
				t.Errorf("of %d owners %d are left, %v", n, left, err)
			}
		}
	})
}

func TestNames(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		u := f.User(t)
		for _, bad := range []string{"", "  ", "a\x00b", "a\nb", "\u0085", strings.Repeat("é", 101)} {
			_, err := f.Create(t.Context(), actor(u), bad)
			storagetest.WantCode(t, bad, err, identity.CodeInvalidRequest)
		}
		for _, good := range []string{"a", " <script>alert(1)</script> ", "'; DROP TABLE teams; --", strings.Repeat("é", 100)} {
			m, err := f.Create(t.Context(), actor(u), good)
			if err != nil || m.Name != strings.TrimSpace(good) || m.Role != team.RoleOwner {
				t.Errorf("%q: %+v, %v", good, m, err)
			}
		}
		if list, _, err := f.List(t.Context(), u.ID, page); err != nil || len(list) != 4 {
			t.Errorf("%v, %v", list, err)
		}
	})
}
