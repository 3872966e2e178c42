package teamsession_test

import (
	"sync"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/sessiontest"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func TestEnterATeam(t *testing.T) {
	sessiontest.Each(t, func(t *testing.T, f *sessiontest.Fixture) {
		owner, stranger := f.User(t), f.User(t)
		tm, second := f.Team(t, owner.ID), f.Team(t, owner.ID)
		s, token := f.SignIn(t, owner.ID)
		other, _ := f.SignIn(t, stranger.ID)

		first, created, err := f.InTeams.Enter(t.Context(), sessiontest.Actor(s), tm.ID, false)
		if err != nil || !created || first.TeamID != tm.ID || *first.Role != team.RoleOwner || first.Behind.ID != s.ID {
			t.Fatalf("%+v, %v, %v", first, created, err)
		}
		again, created, err := f.InTeams.Enter(t.Context(), sessiontest.Actor(s), tm.ID, false)
		if err != nil || created || again.ID != first.ID {
			t.Errorf("entered again: %+v, %v, %v", again, created, err)
		}
		if p := f.Works(t, "in the team", token, true); p.Team == nil || p.Team.ID != first.ID {
			t.Errorf("acts in %+v", p.Team)
		}
		elsewhere, _, err := f.InTeams.Enter(t.Context(), sessiontest.Actor(s), second.ID, false)
		if p := f.Works(t, "in the second", token, true); err != nil || p.Team == nil || p.Team.ID != elsewhere.ID {
			t.Errorf("acts in %+v, %v", p.Team, err)
		}
		if back, created, err := f.InTeams.Enter(t.Context(), sessiontest.Actor(s), tm.ID, false); err != nil || created || back.ID != first.ID {
			t.Errorf("back in the first: %+v, %v, %v", back, created, err)
		}
		_, _, err = f.InTeams.Enter(t.Context(), sessiontest.Actor(other), tm.ID, false)
		storagetest.WantNotFound(t, "a stranger", err)
		_, _, err = f.InTeams.Enter(t.Context(), sessiontest.Actor(s), identity.NewID(), false)
		storagetest.WantNotFound(t, "no team", err)

		f.Clock.Set(s.ExpiresAt)
		_, _, err = f.InTeams.Enter(t.Context(), sessiontest.Actor(s), tm.ID, false)
		storagetest.WantCode(t, "an expired session", err, identity.CodeUnauthenticated)
	})
}

func TestEnteredByManyAtOnceIsOneTeamSession(t *testing.T) {
	sessiontest.Each(t, func(t *testing.T, f *sessiontest.Fixture) {
		u := f.User(t)
		tm := f.Team(t, u.ID)
		s, _ := f.SignIn(t, u.ID)
		var mu sync.Mutex
		ids, made := map[identity.ID]bool{}, 0
		testkit.Together(20, func(int) {
			l, created, err := f.InTeams.Enter(t.Context(), sessiontest.Actor(s), tm.ID, false)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			ids[l.ID] = true
			if created {
				made++
			}
		})
		storagetest.Same(t, []int{len(ids), made}, []int{1, 1})
	})
}

// Removing a member while they start a team session: whichever is first, no team
// session stays open of someone who is no member. Open looks for that, too.
func TestRemovedWhileEntering(t *testing.T) {
	sessiontest.Each(t, func(t *testing.T, f *sessiontest.Fixture) {
		teams := team.NewService(f.DB, f.Clock.Now)
		owner := f.User(t)
		tm := f.Team(t, owner.ID)
		boss, _ := f.SignIn(t, owner.ID)
		for range 15 {
			u := f.User(t)
			f.Member(t, tm.ID, u.ID, team.RoleMember)
			s, token := f.SignIn(t, u.ID)
			testkit.Together(4, func(n int) {
				if n == 0 {
					if err := teams.Remove(t.Context(), sessiontest.Actor(boss), tm.ID, u.ID); err != nil {
						t.Error(err)
					}
					return
				}
				if _, _, err := f.InTeams.Enter(t.Context(), sessiontest.Actor(s), tm.ID, false); err != nil {
					storagetest.WantNotFound(t, "entering", err)
				}
			})
			if p := f.Works(t, "removed", token, true); p.Team != nil {
				t.Errorf("acts in %+v", p.Team)
			}
			open, err := f.DB.TeamSessions(t.Context(), tm.ID, session.Filter{UserID: &u.ID, Status: session.StatusActive}, f.Clock.Now(), identity.Page{Limit: 9})
			if err != nil || len(open) > 0 {
				t.Errorf("still open: %+v, %v", open, err)
			}
		}
	})
}

// Who ends whose team session.
func TestRevokeATeamSession(t *testing.T) {
	sessiontest.Each(t, func(t *testing.T, f *sessiontest.Fixture) {
		owner, coowner := f.User(t), f.User(t)
		tm, foreign := f.Team(t, owner.ID), f.Team(t, owner.ID)
		f.Member(t, tm.ID, coowner.ID, team.RoleOwner)
		roles := []team.Role{team.RoleOwner, team.RoleAdmin, team.RoleMember}
		ok, no := identity.Code(""), identity.CodeForbidden
		for i, row := range [][]identity.Code{{ok, ok, ok}, {no, ok, ok}, {no, no, no}} {
			for j, want := range row {
				by, of := f.User(t), f.User(t)
				f.Member(t, tm.ID, by.ID, roles[i])
				f.Member(t, tm.ID, of.ID, roles[j])
				mine, _ := f.SignIn(t, by.ID)
				ts := f.TeamSession(t, tm.ID, f.Database.Session(t, of.ID))
				err := f.InTeams.Revoke(t.Context(), sessiontest.Actor(mine), tm.ID, ts.ID)
				if identity.ErrorCode(err) != want || want == ok && err != nil {
					t.Errorf("%s ends %s's: %v, want %q", roles[i], roles[j], err, want)
				}
				own := f.TeamSession(t, tm.ID, mine)
				for range 2 { // twice is no error
					if err := f.InTeams.Revoke(t.Context(), sessiontest.Actor(mine), tm.ID, own.ID); err != nil {
						t.Errorf("%s ends their own: %v", roles[i], err)
					}
				}
				if _, _, err := f.InTeams.List(t.Context(), sessiontest.Actor(mine), tm.ID, session.Filter{}, identity.Page{Limit: 9}); identity.ErrorCode(err) != map[bool]identity.Code{true: ok, false: no}[roles[i].Manages()] {
					t.Errorf("%s lists: %v", roles[i], err)
				}
			}
		}
		s, _ := f.SignIn(t, owner.ID)
		elsewhere := f.TeamSession(t, foreign.ID, f.Database.Session(t, owner.ID))
		stranger, _ := f.SignIn(t, f.User(t).ID)
		storagetest.WantNotFound(t, "through another team's path", f.InTeams.Revoke(t.Context(), sessiontest.Actor(s), tm.ID, elsewhere.ID))
		storagetest.WantNotFound(t, "by a stranger", f.InTeams.Revoke(t.Context(), sessiontest.Actor(stranger), foreign.ID, elsewhere.ID))
		storagetest.WantNotFound(t, "none", f.InTeams.Revoke(t.Context(), sessiontest.Actor(s), tm.ID, identity.NewID()))
		_, _, err := f.InTeams.List(t.Context(), sessiontest.Actor(stranger), tm.ID, session.Filter{}, identity.Page{Limit: 9})
		storagetest.WantNotFound(t, "listed by a stranger", err)
	})
}
