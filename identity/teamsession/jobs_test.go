package teamsession_test

import (
	"context"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/revocation"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/internal/testkit/sessiontest"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// An admin ends all of a team's but the owners'; an owner all of them. What has
// ended stays so, and what has not works on, when roles change.
func TestAllOfATeamEndAtOnce(t *testing.T) {
	sessiontest.Each(t, func(t *testing.T, f *sessiontest.Fixture) {
		owner, coOwner, admin, member := f.User(t), f.User(t), f.User(t), f.User(t)
		tm, elsewhere := f.Team(t, owner.ID), f.Team(t, owner.ID)
		places := map[identity.ID]team.Membership{
			coOwner.ID: f.Member(t, tm.ID, coOwner.ID, team.RoleOwner),
			admin.ID:   f.Member(t, tm.ID, admin.ID, team.RoleAdmin),
			member.ID:  f.Member(t, tm.ID, member.ID, team.RoleMember),
		}
		role := func(u identity.ID, to team.Role) {
			t.Helper()
			m := places[u]
			m.Role = to
			f.Do(t, func(ctx context.Context) error { return f.UpdateRole(ctx, m) })
		}
		tokens, sessions := map[identity.ID]string{}, map[identity.ID]session.Session{}
		enter := func(u identity.ID) teamsession.Listed {
			t.Helper()
			if tokens[u] == "" {
				sessions[u], tokens[u] = f.SignIn(t, u)
			}
			l, _, err := f.InTeams.Enter(t.Context(), sessiontest.Actor(sessions[u]), tm.ID, false)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		for _, u := range []identity.ID{owner.ID, admin.ID, member.ID} {
			enter(u)
		}
		in := func(what string, u identity.ID, want bool) {
			t.Helper()
			p := f.Works(t, what, tokens[u], true)
			if (p.Team != nil) != want {
				t.Errorf("%s: in the team is %v", what, p.Team != nil)
			}
			e, err := f.TeamAccess(t.Context(), tm.ID, u, sessions[u].ID)
			if err != nil || (e.ID != identity.ID{}) != want {
				t.Errorf("%s: open is %v, %v", what, e.ID, err)
			}
		}
		f.Crowd(t, sessions[member.ID])
		f.CrowdIn(t, tm.ID, sessions[member.ID])
		_, _, err := f.InTeams.Enter(t.Context(), sessiontest.Actor(sessions[owner.ID]), elsewhere.ID, false)
		if err != nil {
			t.Fatal(err)
		}
		enter(owner.ID)
		seen := f.Clock.Now()
		f.Clock.Advance(time.Second)
		enter(coOwner.ID)

		out, err := f.InTeams.RevokeMatching(t.Context(), sessiontest.Actor(sessions[admin.ID]), tm.ID, session.Revocation{Filter: session.Filter{AsOf: seen}})
		if err != nil || out.Job == nil || out.Job.Epoch == nil || out.Skipped != 1 {
			t.Fatalf("%+v, %v", out, err)
		}
		in("an owner", owner.ID, true)
		in("the other owner", coOwner.ID, true)
		in("the admin", admin.ID, false)
		in("a member", member.ID, false)
		role(member.ID, team.RoleOwner)
		in("a member who is an owner now", member.ID, false)
		role(coOwner.ID, team.RoleMember)
		in("an owner who is a member now", coOwner.ID, true)
		if _, err := f.InTeams.InTeam(t.Context(), f.Works(t, "", tokens[admin.ID], true), tm.ID, sessiontest.Origin); err == nil {
			t.Error("acts in the team by a team session that has ended")
		}
		if l := enter(admin.ID); l.Status(f.Clock.Now()) != session.StatusActive {
			t.Errorf("entered again: %+v", l)
		}
		in("the admin, again", admin.ID, true)
		active, err := f.CountTeamSessions(t.Context(), tm.ID, session.Filter{Status: session.StatusActive}, f.Clock.Now())
		if err != nil || active != 3 {
			t.Errorf("%d are active, %v", active, err)
		}
		j := f.FinishJob(t, out.Job.ID)
		if recorded := f.Recorded(t, j.ID); j.Ended != sessiontest.CrowdSize+2 || len(recorded) != j.Ended {
			t.Errorf("ended %d, recorded %d", j.Ended, len(recorded))
		}
		in("the admin, afterwards", admin.ID, true)
		in("an owner, afterwards", owner.ID, true)

		// The member is an owner now, and so are the sessions that have no count yet.
		f.CrowdIn(t, tm.ID, sessions[member.ID])
		if err := f.Exec("UPDATE team_sessions SET epoch = 0 WHERE of_owner IS NULL"); err != nil {
			t.Fatal(err)
		}
		out, err = f.InTeams.RevokeMatching(t.Context(), sessiontest.Actor(sessions[owner.ID]), tm.ID, session.Revocation{Filter: session.Filter{NotUserID: &owner.ID}})
		if err != nil || out.Job == nil || out.Job.OwnerEpoch == nil || out.Skipped != 0 {
			t.Fatalf("%+v, %v", out.Job, err)
		}
		in("the owner themself", owner.ID, true)
		in("the admin, by an owner", admin.ID, false)
		in("a member, by an owner", coOwner.ID, false)
		if j := f.FinishJob(t, out.Job.ID); j.Ended != sessiontest.CrowdSize+2 || len(f.Recorded(t, j.ID)) != j.Ended {
			t.Errorf("by an owner: ended %d", j.Ended)
		}
		in("the owner themself, afterwards", owner.ID, true)
	})
}

// Jobs of a team are for those who manage it.
func TestTeamJob(t *testing.T) {
	sessiontest.Each(t, func(t *testing.T, f *sessiontest.Fixture) {
		owner, member := f.User(t), f.User(t)
		tm, other := f.Team(t, owner.ID), f.Team(t, owner.ID)
		f.Member(t, tm.ID, member.ID, team.RoleMember)
		s, _ := f.SignIn(t, owner.ID)
		m, _ := f.SignIn(t, member.ID)
		j := revocation.Job{ID: identity.NewID(), Kind: revocation.JobEndTeamSessions, TeamID: &tm.ID, Reason: "r", CreatedAt: f.Clock.Now(), Total: new(0)}
		f.Do(t, func(ctx context.Context) error { return f.InsertJob(ctx, j) })
		got, err := f.InTeams.Job(t.Context(), sessiontest.Actor(s), tm.ID, j.ID)
		if err != nil {
			t.Fatal(err)
		}
		storagetest.Same(t, got, j)
		_, err = f.InTeams.Job(t.Context(), sessiontest.Actor(s), other.ID, j.ID)
		storagetest.WantNotFound(t, "another team's", err)
		_, err = f.InTeams.Job(t.Context(), sessiontest.Actor(s), tm.ID, identity.NewID())
		storagetest.WantNotFound(t, "none", err)
		_, err = f.InTeams.Job(t.Context(), sessiontest.Actor(m), tm.ID, j.ID)
		storagetest.WantCode(t, "a member", err, identity.CodeForbidden)
		if j := f.FinishJob(t, j.ID); j.Ended != 0 {
			t.Errorf("%+v", j)
		}
	})
}
