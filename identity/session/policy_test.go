package session_test

import (
	"context"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/storage/storagetest"
)

// ask sets a team's policy behind the service's back.
func (f *fixture) ask(t *testing.T, tm team.Team, by identity.ID, p team.Policy) {
	t.Helper()
	f.Do(t, func(ctx context.Context) error { return f.SetTeamPolicy(ctx, tm.ID, p, by, f.Clock.Now()) })
}

func TestPolicyOnEnteringAndOnEveryCheck(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		u := f.User(t)
		tm := f.Team(t, u.ID)
		s, _ := f.issue(t, u.ID)
		policy := team.Policy{RequiredProviders: []string{"google", "siwe"}}
		f.ask(t, tm, u.ID, policy)
		_, _, err := f.Enter(t.Context(), actor(s), tm.ID, false)
		storagetest.WantCode(t, "entering without a wallet", err, identity.CodePolicyUnsatisfied)
		s, token, err := f.renew(t, s, "siwe")
		if err != nil {
			t.Fatal(err)
		}
		entered, _, err := f.Enter(t.Context(), actor(s), tm.ID, false)
		if err != nil {
			t.Fatal(err)
		}
		in := func(what string, want team.Rule) session.Principal {
			t.Helper()
			p := f.works(t, what, token, true)
			var got team.Rule
			if p.Refused != nil {
				got = p.Refused.Rule
				storagetest.Same(t, p.Refused.TeamID, tm.ID)
			}
			if got != want || (p.Team == nil) != (want != "") {
				t.Errorf("%s: in %+v, refused by %q, want %q", what, p.Team, got, want)
			}
			return p
		}
		in("satisfied", "")
		policy.RequiredProviders = []string{"google", "github"}
		f.ask(t, tm, u.ID, policy)
		storagetest.Same(t, in("another provider", team.RuleRequiredProviders).Refused.Missing, []string{"github"})
		if err := f.Exec("UPDATE team_policies SET allowed_networks = 'nowhere'"); err != nil {
			t.Fatal(err)
		}
		in("unreadable", team.RuleUnreadable)
		f.ask(t, tm, u.ID, team.Policy{MaxAge: 30 * time.Minute})
		f.Clock.Set(s.CreatedAt.Add(30*time.Minute - tick))
		storagetest.Same(t, in("young enough, and let in again by itself", "").Team.ID, entered.ID)
		f.Clock.Advance(tick)
		in("too old", team.RuleMaxAge)
	})
}

// A pause that was too long stays one, however often the session is used
// afterwards, until its user proves again who he is.
func TestIdleIsNotForgottenByUse(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		u := f.User(t)
		tm := f.Team(t, u.ID)
		s, token := f.issue(t, u.ID)
		f.ask(t, tm, u.ID, team.Policy{Idle: time.Minute})
		if _, _, err := f.Enter(t.Context(), actor(s), tm.ID, false); err != nil {
			t.Fatal(err)
		}
		for range 5 { // use that is frequent enough is told from a pause
			f.Clock.Advance(time.Minute - tick)
			if p := f.works(t, "in use", token, true); p.Team == nil {
				t.Fatalf("refused: %+v", p.Refused)
			}
		}
		f.Clock.Advance(time.Minute)
		for range 3 {
			if p := f.works(t, "after the pause", token, true); p.Refused == nil || p.Refused.Rule != team.RuleIdle {
				t.Errorf("in %+v", p.Team)
			}
			_, _, err := f.Enter(t.Context(), actor(s), tm.ID, false)
			storagetest.WantCode(t, "entering again", err, identity.CodePolicyUnsatisfied)
		}
		_, token, err := f.renew(t, f.works(t, "read", token, true).Session, "google")
		if err != nil {
			t.Fatal(err)
		}
		if p := f.works(t, "proven again", token, true); p.Team == nil {
			t.Errorf("refused: %+v", p.Refused)
		}
	})
}
