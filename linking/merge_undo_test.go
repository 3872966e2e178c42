package linking_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// since is what may happen to the survivor's membership between a merge and its
// undo. Each is done by the owner of the team, but leaving.
type since struct {
	name string
	do   func(m *undoCase) error
	kept bool // afterwards the membership is still the one that the merge left
}

func sinceMerge() []since {
	roles := []team.Role{team.RoleOwner, team.RoleAdmin, team.RoleMember}
	out := []since{
		{"nothing", func(*undoCase) error { return nil }, true},
		{"another policy", func(m *undoCase) error {
			_, err := m.inTeams.SetPolicy(m.t.Context(), m.owner, m.team, team.Policy{MaxAge: time.Minute}, false)
			return err
		}, true},
		{"the same role", func(m *undoCase) error { return m.setRole(m.role()) }, true},
		{"removed", func(m *undoCase) error { return m.teams.Remove(m.t.Context(), m.owner, m.team, m.survivor) }, false},
		{"left", func(m *undoCase) error {
			return m.teams.Remove(m.t.Context(), identity.Actor{UserID: m.survivor, RecentlyVerified: true}, m.team, m.survivor)
		}, false},
		{"another role by a replica that does not say when", func(m *undoCase) error {
			role := team.RoleMember
			if m.role() == role {
				role = team.RoleAdmin
			}
			return m.Exec("UPDATE memberships SET role = ? WHERE team_id = ? AND user_id = ?", string(role), m.team.String(), m.survivor.String())
		}, false},
		{"team deleted", func(m *undoCase) error { return m.teams.Delete(m.t.Context(), m.owner, m.team) }, false},
	}
	for _, role := range roles {
		out = append(out,
			since{"removed, and back as " + string(role), func(m *undoCase) error { return m.renew(role) }, false},
			since{"made " + string(role), func(m *undoCase) error {
				if m.role() == role {
					return errNoEvent
				}
				return m.setRole(role)
			}, false},
			since{"made " + string(role) + " and back", func(m *undoCase) error {
				before := m.role()
				if before == role {
					return errNoEvent
				}
				return errors.Join(m.setRole(role), m.setRole(before))
			}, false})
	}
	return out
}

// errNoEvent is an event that changes nothing, which others are about.
var errNoEvent = errors.New("nothing would happen")

type undoCase struct {
	*world
	t                *testing.T
	teams            *team.Service
	inTeams          *teamsession.Service
	owner            identity.Actor
	team             identity.ID
	source, survivor identity.ID
}

func (m *undoCase) role() team.Role { return m.membership(m.survivor).Role }

func (m *undoCase) membership(user identity.ID) team.Membership {
	m.t.Helper()
	out, err := m.Membership(m.t.Context(), m.team, user)
	if err != nil && !errors.Is(err, identity.ErrNotFound) {
		m.t.Fatal(err)
	}
	return out
}

func (m *undoCase) setRole(role team.Role) error {
	m.Clock.Advance(time.Microsecond)
	_, err := m.teams.ChangeRole(m.t.Context(), m.owner, m.team, m.survivor, role, false)
	return err
}

func (m *undoCase) renew(role team.Role) error {
	if err := m.teams.Remove(m.t.Context(), m.owner, m.team, m.survivor); err != nil {
		return err
	}
	m.Clock.Advance(time.Microsecond)
	m.Member(m.t, m.team, m.survivor, role)
	return nil
}

// Over everything that source and survivor may be in a team, and everything that
// may have happened to it since: an undo gives both exactly what they had, or
// where the membership is not the one that the merge left is refused, names the
// team and changes nothing. No user has more than before.
func TestUndoRestoresNoMembershipThatChangedSince(t *testing.T) {
	roles := []team.Role{"", team.RoleMember, team.RoleAdmin, team.RoleOwner}
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		c := &undoCase{
			world: w, t: t, teams: team.NewService(d.DB, d.Clock.Now),
			inTeams: teamsession.NewService(d.DB, session.NewService(d.DB, nil, session.Limits{Idle: time.Hour, Lifetime: time.Hour}, d.Clock.Now), d.Clock.Now),
		}
		c.owner = w.signIn(t, "google", storagetest.Word()).Actor(d.Clock.Now(), identity.RequestOrigin{})
		c.owner.RecentlyVerified = true
		by := identity.Actor{UserID: c.owner.UserID, SessionID: c.owner.SessionID, RecentlyVerified: true}
		for _, roleOfSource := range roles {
			for _, roleOfSurvivor := range roles {
				for _, event := range sinceMerge() {
					if roleOfSource == "" && roleOfSurvivor == "" {
						continue
					}
					name := string(roleOfSource) + " into " + string(roleOfSurvivor) + ", " + event.name
					tm := d.Team(t, c.owner.UserID)
					c.team = tm.ID
					c.survivor, c.source = d.User(t).ID, d.User(t).ID
					for user, role := range map[identity.ID]team.Role{c.survivor: roleOfSurvivor, c.source: roleOfSource} {
						d.Wallet(t, user)
						if role != "" {
							d.Member(t, c.team, user, role)
						}
					}
					had := [2]team.Membership{c.membership(c.source), c.membership(c.survivor)}
					d.Clock.Advance(time.Microsecond)
					m, err := w.service.AdminMerge(t.Context(), nil, c.source, c.survivor, linking.MergeChoices{Survivor: &c.survivor}, false)
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					d.Clock.Advance(time.Microsecond)
					if err := event.do(c); errors.Is(err, errNoEvent) {
						continue
					} else if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					left := [2]team.Membership{c.membership(c.source), c.membership(c.survivor)}
					_, err = w.service.UndoMerge(t.Context(), by, m.ID, true)
					want := had
					switch {
					case event.kept:
					case roleOfSource == "": // the merge was not about this team
						want = left
					default:
						want = left
						storagetest.WantCode(t, name, err, identity.CodeMergeMovedOn)
						if err == nil || !strings.Contains(err.Error(), tm.Name) {
							t.Errorf("%s: the team is not named: %v", name, err)
						}
						err = nil
					}
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
					if now := [2]team.Membership{c.membership(c.source), c.membership(c.survivor)}; !sameMemberships(now, want) {
						t.Errorf("%s: memberships are\n%+v, want\n%+v", name, now, want)
					}
				}
			}
		}
	})
}

func sameMemberships(a, b [2]team.Membership) bool {
	for i := range a {
		if a[i].Role != b[i].Role || !a[i].CreatedAt.Equal(b[i].CreatedAt) || (a[i].RoleSince == nil) != (b[i].RoleSince == nil) {
			return false
		}
	}
	return true
}

// A merge of before a plan kept when the survivor's membership began is judged by
// when the merge was.
func TestUndoOfAnOlderMergeRestoresNoRenewedMembership(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		for _, renewed := range []bool{false, true} {
			w := newWorld(d, linking.PolicyAuto)
			owner, source, survivor := d.User(t).ID, d.User(t).ID, d.User(t).ID
			c := &undoCase{world: w, t: t, teams: team.NewService(d.DB, d.Clock.Now), owner: identity.Actor{UserID: owner, RecentlyVerified: true}, source: source, survivor: survivor}
			c.team = d.Team(t, owner).ID
			for _, user := range []identity.ID{owner, source, survivor} {
				d.Wallet(t, user)
			}
			d.Member(t, c.team, source, team.RoleMember)
			d.Member(t, c.team, survivor, team.RoleMember)
			m, err := w.service.AdminMerge(t.Context(), nil, source, survivor, linking.MergeChoices{Survivor: &survivor}, false)
			if err != nil {
				t.Fatal(err)
			}
			plan := m.Merge.Plan
			plan.Memberships[0].CurrentCreatedAt = nil
			value, err := plan.Value()
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Exec("UPDATE merges SET plan = ? WHERE id = ?", value, m.ID.String()); err != nil {
				t.Fatal(err)
			}
			want := identity.Code("")
			if renewed {
				want = identity.CodeMergeMovedOn
				if err := c.renew(team.RoleMember); err != nil {
					t.Fatal(err)
				}
			}
			_, err = w.service.UndoAnyMerge(t.Context(), m.ID)
			if identity.ErrorCode(err) != want || want == "" && err != nil {
				t.Errorf("renewed %v: %v", renewed, err)
			}
		}
	})
}

// No undo leaves a team without an owner, whatever its plan says: this one has lost
// that the source was the team's only owner.
func TestUndoLeavesNoTeamWithoutAnOwner(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		source, survivor := d.User(t).ID, d.User(t).ID
		d.Wallet(t, source)
		d.Wallet(t, survivor)
		id := d.Team(t, source).ID
		d.Member(t, id, survivor, team.RoleMember)
		m, err := w.service.AdminMerge(t.Context(), nil, source, survivor, linking.MergeChoices{Survivor: &survivor}, false)
		if err != nil {
			t.Fatal(err)
		}
		keep := func(role team.Role) {
			t.Helper()
			plan := m.Merge.Plan
			plan.Memberships[0].Role = role
			value, err := plan.Value()
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Exec("UPDATE merges SET plan = ? WHERE id = ?", value, m.ID.String()); err != nil {
				t.Fatal(err)
			}
		}
		keep(team.RoleAdmin)
		before := rows(t, d)
		_, err = w.service.UndoAnyMerge(t.Context(), m.ID)
		storagetest.WantCode(t, "undo", err, identity.CodeMergeMovedOn)
		if err == nil || !strings.Contains(err.Error(), "without an owner") {
			t.Errorf("it says %v", err)
		}
		if now, err := w.Membership(t.Context(), id, survivor); err != nil || now.Role != team.RoleOwner || rows(t, d) != before {
			t.Errorf("the survivor is %+v, %v", now, err)
		}
		keep(team.RoleOwner)
		if _, err := w.service.UndoAnyMerge(t.Context(), m.ID); err != nil {
			t.Error(err)
		}
	})
}

// What the owner of an address settled before a merge, or the survivor since, is
// settled for the owner that an undo gives the address back to.
func TestUndoReturnsWhatWasSettled(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		for _, settledFirst := range []bool{true, false} {
			w := newWorld(d, linking.PolicyAuto)
			word := storagetest.Word()
			address, err := identity.CanonicalEmail(word + "@example.com")
			if err != nil {
				t.Fatal(err)
			}
			source, survivor := w.signIn(t, "google", word, vouched(address)), w.signIn(t, "siwe", storagetest.Address(), wallet)
			if _, err := w.apply(t, w.proof(identity.PurposeSignIn, "google", word+"-next", vouched(address)), nil); identity.ErrorCode(err) != identity.CodeEmailTaken {
				t.Fatal(err)
			}
			settle := func(p *session.Principal) {
				t.Helper()
				if err := w.service.SettleEmail(t.Context(), identity.Actor{UserID: p.User.ID, SessionID: p.Session.ID, RecentlyVerified: true}, address); err != nil {
					t.Fatal(err)
				}
			}
			if settledFirst {
				settle(source)
			}
			m, err := w.service.AdminMerge(t.Context(), nil, source.User.ID, survivor.User.ID, linking.MergeChoices{Survivor: &survivor.User.ID}, false)
			if err != nil {
				t.Fatal(err)
			}
			if !settledFirst {
				settle(survivor)
			}
			if _, err := w.service.UndoAnyMerge(t.Context(), m.ID); err != nil {
				t.Fatal(err)
			}
			if owner, err := w.AddressOwner(t.Context(), address); err != nil || owner.Owner == nil || *owner.Owner != source.User.ID || owner.Disputed {
				t.Errorf("settled first %v: the address is of %v, disputed %v; %v", settledFirst, owner.Owner, owner.Disputed, err)
			}
			if got := w.must(t, w.proof(identity.PurposeSignIn, "github", word, vouched(address)), nil); got.User.ID != source.User.ID {
				t.Errorf("settled first %v: joined %s", settledFirst, got.User.ID)
			}
		}
	})
}
