package apikey_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/user"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// The last place goes to one, however many ask at once; and a key, even an
// admin's, makes, sees, rotates and ends none.
func TestKeysOfATeamAreCountedUnderItsLock(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		keys := apikey.NewService(d.DB, d.Clock.Now)
		owner := d.User(t)
		id := d.Team(t, owner.ID).ID
		actor := identity.Actor{UserID: owner.ID, SessionID: identity.NewID(), RecentlyVerified: true}
		n := apikey.NewMachine{Name: "m", Role: team.RoleAdmin}
		var last apikey.Key
		for range apikey.MaxPerTeam - 1 {
			var err error
			if last, _, err = keys.CreateInTeam(t.Context(), actor, id, n); err != nil {
				t.Fatal(err)
			}
		}
		var made atomic.Int32
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				switch _, _, err := keys.CreateInTeam(t.Context(), actor, id, n); {
				case err == nil:
					made.Add(1)
				case identity.ErrorCode(err) != identity.CodeTooManyKeys:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if made.Load() != 1 {
			t.Errorf("%d got the last place", made.Load())
		}

		machine := last.Actor(identity.RequestOrigin{})
		_, _, created := keys.CreateInTeam(t.Context(), machine, id, n)
		_, _, listed := keys.ListInTeam(t.Context(), machine, id, identity.Page{Limit: 9})
		_, _, rotated := keys.RotateInTeam(t.Context(), machine, id, last.ID, 0)
		for name, err := range map[string]error{"create": created, "list": listed, "rotate": rotated, "revoke": keys.RevokeInTeam(t.Context(), machine, id, last.ID)} {
			if identity.ErrorCode(err) != identity.CodeForbidden {
				t.Errorf("%s by a key: %v", name, err)
			}
		}
		n.Role = team.RoleOwner
		if _, _, err := keys.CreateInTeam(t.Context(), actor, id, n); identity.ErrorCode(err) != identity.CodeInvalidRequest {
			t.Errorf("an owner: %v", err)
		}
	})
}

// Removing a member names the keys of the team that they created, under any id
// they have had, and ends those only if it is asked to. The others go on.
func TestRemovalOffersToEndKeys(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		keys, teams := apikey.NewService(d.DB, d.Clock.Now), team.NewService(d.DB, d.Clock.Now)
		person := func(u identity.User) identity.Actor {
			return identity.Actor{UserID: u.ID, SessionID: identity.NewID(), RecentlyVerified: true}
		}
		type all struct {
			team                 identity.ID
			owner, admin, former identity.User
			ids                  map[string]identity.ID
			works                func() (names []string)
			remove               func(by identity.Actor, r team.Removal) ([]identity.CreatedKey, error)
		}
		begin := func() all {
			a := all{owner: d.User(t), admin: d.User(t), ids: map[string]identity.ID{}}
			a.former = d.User(t, func(u *identity.User) { u.Status, u.MergedInto = identity.StatusMerged, &a.admin.ID })
			for _, u := range []identity.User{a.owner, a.admin} {
				d.Wallet(t, u.ID)
			}
			a.team = d.Team(t, a.owner.ID).ID
			other := d.Team(t, a.owner.ID).ID
			for _, id := range []identity.ID{a.team, other} {
				d.Member(t, id, a.admin.ID, team.RoleAdmin)
			}
			for name, k := range map[string]struct {
				by   identity.User
				team identity.ID
			}{"admin's": {a.admin, a.team}, "owner's": {a.owner, a.team}, "revoked": {a.admin, a.team}, "other team's": {a.admin, other}, "former id's": {a.admin, a.team}} {
				made, _, err := keys.CreateInTeam(t.Context(), person(k.by), k.team, apikey.NewMachine{Name: name, Role: team.RoleAdmin})
				if err != nil {
					t.Fatal(err)
				}
				a.ids[name] = made.ID
			}
			if err := d.Exec("UPDATE api_keys SET created_by = ? WHERE id = ?", a.former.ID.String(), a.ids["former id's"].String()); err != nil {
				t.Fatal(err)
			}
			if err := keys.RevokeInTeam(t.Context(), person(a.owner), a.team, a.ids["revoked"]); err != nil {
				t.Fatal(err)
			}
			a.works = func() (names []string) {
				for name, id := range a.ids {
					d.Do(t, func(ctx context.Context) error {
						k, err := d.LockAPIKey(ctx, id)
						if err == nil && k.Works(d.Clock.Now()) {
							names = append(names, name)
						}
						return err
					})
				}
				slices.Sort(names)
				return names
			}
			a.remove = func(by identity.Actor, r team.Removal) ([]identity.CreatedKey, error) {
				return teams.RemoveWith(t.Context(), by, a.team, a.admin.ID, r)
			}
			return a
		}
		names := func(keys []identity.CreatedKey) (out []string) {
			for _, k := range keys {
				out = append(out, k.Name)
			}
			slices.Sort(out)
			return out
		}
		theirs, every := []string{"admin's", "former id's"}, []string{"admin's", "former id's", "other team's", "owner's"}
		member := func(a all) bool { _, err := d.Membership(t.Context(), a.team, a.admin.ID); return err == nil }

		a := begin()
		stale := person(a.owner)
		stale.RecentlyVerified = false
		for _, end := range []bool{true, false} { // a dry run tells, and changes nothing
			events := d.Count(t, "audit_events")
			got, err := a.remove(stale, team.Removal{DryRun: true, EndKeys: end})
			if err != nil || !slices.Equal(names(got), theirs) || !member(a) || !slices.Equal(a.works(), every) || d.Count(t, "audit_events") != events {
				t.Errorf("a dry run: %v, %v; member %v, working %v", names(got), err, member(a), a.works())
			}
		}
		_, err := a.remove(stale, team.Removal{EndKeys: true})
		storagetest.WantCode(t, "not recently verified", err, identity.CodeReauthRequired)
		if !member(a) || !slices.Equal(a.works(), every) {
			t.Error("what was refused has changed something")
		}
		if _, err := a.remove(stale, team.Removal{}); err != nil || member(a) || !slices.Equal(a.works(), every) {
			t.Errorf("without asking: %v, working %v", err, a.works())
		}

		b := begin()
		got, err := b.remove(person(b.owner), team.Removal{EndKeys: true})
		if err != nil || !slices.Equal(names(got), theirs) || member(b) || !slices.Equal(b.works(), []string{"other team's", "owner's"}) {
			t.Errorf("ending them: %v, %v; working %v", names(got), err, b.works())
		}

		// Who leaves without managing the team neither sees nor ends keys.
		c := begin()
		if _, err := teams.ChangeRole(t.Context(), person(c.owner), c.team, c.admin.ID, team.RoleMember, false); err != nil {
			t.Fatal(err)
		}
		_, err = c.remove(person(c.admin), team.Removal{EndKeys: true})
		storagetest.WantCode(t, "a member ends keys", err, identity.CodeForbidden)
		if got, err := c.remove(person(c.admin), team.Removal{DryRun: true}); err != nil || len(got) > 0 {
			t.Errorf("a member sees %v, %v", names(got), err)
		}
	})
}

// Lowering a role ends the keys that the member created only if it is asked to, by a
// recently verified person, and only with a lower role.
func TestDemotionOffersToEndKeys(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		keys, teams := apikey.NewService(d.DB, d.Clock.Now), team.NewService(d.DB, d.Clock.Now)
		owner, admin := d.User(t), d.User(t)
		id := d.Team(t, owner.ID).ID
		d.Member(t, id, admin.ID, team.RoleAdmin)
		by := func(u identity.User, fresh bool) identity.Actor {
			return identity.Actor{UserID: u.ID, SessionID: identity.NewID(), RecentlyVerified: fresh}
		}
		made, _, err := keys.CreateInTeam(t.Context(), by(admin, true), id, apikey.NewMachine{Name: "theirs", Role: team.RoleAdmin})
		other, _, err2 := keys.CreateInTeam(t.Context(), by(owner, true), id, apikey.NewMachine{Name: "owner's", Role: team.RoleMember})
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		works := func(key identity.ID) (works bool) {
			d.Do(t, func(ctx context.Context) error {
				k, err := d.LockAPIKey(ctx, key)
				works = k.Works(d.Clock.Now())
				return err
			})
			return works
		}
		change := func(a identity.Actor, role team.Role, end bool) error {
			m, err := teams.ChangeRole(t.Context(), a, id, admin.ID, role, end)
			if err == nil && m.Role != role {
				t.Errorf("the role is %s, want %s", m.Role, role)
			}
			return err
		}
		storagetest.WantCode(t, "not recently verified", change(by(owner, false), team.RoleMember, true), identity.CodeReauthRequired)
		storagetest.WantCode(t, "a higher role", change(by(owner, true), team.RoleOwner, true), identity.CodeInvalidRequest)
		storagetest.WantCode(t, "the same role", change(by(owner, true), team.RoleAdmin, true), identity.CodeInvalidRequest)
		if m, err := d.Membership(t.Context(), id, admin.ID); err != nil || m.Role != team.RoleAdmin {
			t.Errorf("what was refused has changed something: %+v, %v", m, err)
		}
		for _, end := range []bool{false, true} {
			if err := change(by(owner, true), team.RoleMember, end); err != nil {
				t.Fatal(err)
			}
			if works(made.ID) == end || !works(other.ID) {
				t.Errorf("with end_keys %v: their key works %v, the other %v", end, works(made.ID), works(other.ID))
			}
			if err := change(by(owner, true), team.RoleAdmin, false); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A former operator's keys of the deployment keep working, and are named, unless they
// end with the role.
func TestRevokingAnOperatorOffersToEndKeys(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		keys, users := apikey.NewService(d.DB, d.Clock.Now), user.NewService(d.DB, identity.NoNotices{}, d.Clock.Now)
		u := d.User(t, func(u *identity.User) { u.Operator = true })
		d.Wallet(t, u.ID)
		a := identity.Actor{UserID: u.ID, SessionID: identity.NewID(), RecentlyVerified: true}
		made, secret, err := keys.Create(t.Context(), &a, apikey.New{Name: "billing", Scopes: apikey.Scopes{apikey.ScopeAdminRead}})
		ofTeam, _, err2 := keys.CreateInTeam(t.Context(), a, d.Team(t, u.ID).ID, apikey.NewMachine{Name: "team", Role: team.RoleMember})
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		for _, end := range []bool{false, true} {
			got, created, err := users.RevokeOperator(t.Context(), u.ID, end)
			if err != nil || got.Operator || len(created) != 1 || created[0].ID != made.ID {
				t.Fatalf("%+v, %+v, %v; not %v", got, created, err, ofTeam.ID)
			}
			if _, err := keys.Authenticate(t.Context(), secret); (err == nil) == end {
				t.Errorf("with end_keys %v: %v", end, err)
			}
		}
		if n := d.Count(t, "audit_events WHERE action = 'api_key.revoked' AND actor_id IS NULL"); n != 1 {
			t.Errorf("%d keys ended, want 1", n)
		}
	})
}

// Suspending somebody ends the keys that they created, of the deployment and of
// teams, only if it is asked to, and for a person only.
func TestSuspensionOffersToEndKeys(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		keys, users := apikey.NewService(d.DB, d.Clock.Now), user.NewService(d.DB, identity.NoNotices{}, d.Clock.Now)
		operator, owner := d.User(t), d.User(t)
		for _, u := range []identity.User{operator, owner} {
			d.Wallet(t, u.ID)
		}
		by, machine := identity.Actor{UserID: operator.ID, SessionID: identity.NewID(), RecentlyVerified: true}, identity.NewID()
		begin := func() (u identity.User, works func() int) {
			u = d.User(t)
			d.Wallet(t, u.ID)
			id := d.Team(t, owner.ID).ID
			d.Member(t, id, u.ID, team.RoleAdmin)
			a := identity.Actor{UserID: u.ID, SessionID: identity.NewID(), RecentlyVerified: true}
			ofTeam, _, err := keys.CreateInTeam(t.Context(), a, id, apikey.NewMachine{Name: "team", Role: team.RoleMember})
			deployment, _, err2 := keys.Create(t.Context(), &a, apikey.New{Name: "deployment", Scopes: apikey.Scopes{apikey.ScopeIntrospect}})
			if err := errors.Join(err, err2); err != nil {
				t.Fatal(err)
			}
			return u, func() (n int) {
				for _, id := range []identity.ID{ofTeam.ID, deployment.ID} {
					d.Do(t, func(ctx context.Context) error {
						k, err := d.LockAPIKey(ctx, id)
						if err == nil && k.Works(d.Clock.Now()) {
							n++
						}
						return err
					})
				}
				return n
			}
		}
		u, works := begin()
		if named, err := users.CreatedKeys(t.Context(), u.ID); err != nil || len(named) != 2 {
			t.Errorf("named are %+v, %v", named, err)
		}
		_, err := users.SetStatus(t.Context(), identity.Actor{KeyID: &machine, RecentlyVerified: true}, u.ID, identity.StatusDisabled, "", true)
		storagetest.WantCode(t, "by a key", err, identity.CodeForbidden)
		_, err = users.SetStatus(t.Context(), by, u.ID, identity.StatusActive, "", true)
		storagetest.WantCode(t, "with a restoration", err, identity.CodeInvalidRequest)
		if _, err := users.SetStatus(t.Context(), by, u.ID, identity.StatusDisabled, "", false); err != nil || works() != 2 {
			t.Errorf("without asking: %v, %d work", err, works())
		}
		if _, err := users.SetStatus(t.Context(), by, u.ID, identity.StatusDisabled, "", true); err != nil || works() != 0 {
			t.Errorf("asked later: %v, %d work", err, works())
		}
		u, works = begin()
		if _, err := users.SetStatus(t.Context(), by, u.ID, identity.StatusDisabled, "", true); err != nil || works() != 0 {
			t.Errorf("with the suspension: %v, %d work", err, works())
		}
		if named, err := users.CreatedKeys(t.Context(), u.ID); err != nil || len(named) != 0 {
			t.Errorf("afterwards named are %+v, %v", named, err)
		}
	})
}

// A key that has ended since it was accepted is refused when it is looked at again.
func TestRecheck(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		keys := apikey.NewService(d.DB, d.Clock.Now)
		owner := d.User(t)
		id := d.Team(t, owner.ID).ID
		actor := identity.Actor{UserID: owner.ID, SessionID: identity.NewID(), RecentlyVerified: true}
		k, _, err := keys.CreateInTeam(t.Context(), actor, id, apikey.NewMachine{Name: "m", Role: team.RoleMember})
		if err != nil {
			t.Fatal(err)
		}
		if err := keys.Recheck(t.Context(), k); err != nil {
			t.Error(err)
		}
		if err := keys.RevokeInTeam(t.Context(), actor, id, k.ID); err != nil {
			t.Fatal(err)
		}
		storagetest.WantCode(t, "a revoked key", keys.Recheck(t.Context(), k), identity.CodeUnauthenticated)
		k.Prefix = "unknown"
		storagetest.WantCode(t, "an unknown key", keys.Recheck(t.Context(), k), identity.CodeUnauthenticated)
	})
}
