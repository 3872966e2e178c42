package teamsession_test

import (
	"context"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/sessiontest"
)

func TestApplicationInATeam(t *testing.T) {
	sessiontest.Each(t, func(t *testing.T, f *sessiontest.Fixture) {
		owner, member := f.User(t), f.User(t)
		tm := f.Team(t, owner.ID)
		f.Member(t, tm.ID, member.ID, team.RoleMember)
		in := func(n *session.NewApplication) { n.TeamID, n.Offline = &tm.ID, true }
		parent, _ := f.SignIn(t, member.ID)

		p, err := f.Application(t, parent, in)
		if err != nil || p.Team == nil || p.Team.TeamID != tm.ID || p.Team.Role != team.RoleMember {
			t.Fatalf("%+v %v", p.Team, err)
		}
		stranger, _ := f.SignIn(t, f.User(t).ID)
		if _, err := f.Application(t, stranger, in); err == nil {
			t.Error("a stranger is in the team")
		}
		// Ending it in the panel ends the application's session, also offline.
		boss := identity.Actor{UserID: owner.ID}
		if err := f.InTeams.Revoke(t.Context(), boss, tm.ID, p.Team.ID); err != nil {
			t.Fatal(err)
		}
		if s, err := f.Row(t, p.Session.ID); err != nil || s.EndedAt == nil {
			t.Errorf("its session goes on: %+v %v", s, err)
		}
		if p, err = f.Application(t, parent, in); err != nil {
			t.Fatal(err)
		}
		f.Do(t, func(ctx context.Context) error {
			return f.EndTeamSessions(ctx, tm.ID, &member.ID, owner.ID, "member_removed", f.Clock.Now())
		})
		if s, err := f.Row(t, p.Session.ID); err != nil || s.EndedAt == nil || *s.EndReason != "member_removed" {
			t.Errorf("its session goes on: %+v %v", s, err)
		}
		// Its policy is judged by the person's sign-in and browser.
		f.Clock.Advance(30 * time.Minute)
		f.Do(t, func(ctx context.Context) error {
			return f.DB.SetTeamPolicy(ctx, tm.ID, team.Policy{MaxAge: 20 * time.Minute}, owner.ID, f.Clock.Now())
		})
		if _, err := f.Application(t, parent, in); identity.ErrorCode(err) != identity.CodePolicyUnsatisfied {
			t.Errorf("an old sign-in is let in: %v", err)
		}
		fresh, _ := f.SignIn(t, member.ID)
		p, err = f.Application(t, fresh, in)
		if err != nil {
			t.Fatal(err)
		}
		f.Clock.Advance(20 * time.Minute)
		if _, err := f.ByID(t.Context(), p.Session.ID, &p.Team.ID, sessiontest.Origin); identity.ErrorCode(err) != identity.CodePolicyUnsatisfied {
			t.Errorf("max_age does not count from the sign-in: %v", err)
		}
	})
}
