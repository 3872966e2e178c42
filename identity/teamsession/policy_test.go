package teamsession_test

import (
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

func TestPolicyOnEnteringAndOnEveryCheck(t *testing.T) {
	sessiontest.Each(t, func(t *testing.T, f *sessiontest.Fixture) {
		u := f.User(t)
		tm := f.Team(t, u.ID)
		s, _ := f.SignIn(t, u.ID)
		policy := team.Policy{RequiredProviders: []string{"google", "siwe"}}
		f.Ask(t, tm, u.ID, policy)
		_, _, err := f.InTeams.Enter(t.Context(), sessiontest.Actor(s), tm.ID, false)
		storagetest.WantCode(t, "entering without a wallet", err, identity.CodePolicyUnsatisfied)
		s, token, err := f.Prove(t, s, "siwe")
		if err != nil {
			t.Fatal(err)
		}
		entered, _, err := f.InTeams.Enter(t.Context(), sessiontest.Actor(s), tm.ID, false)
		if err != nil {
			t.Fatal(err)
		}
		in := func(what string, want team.Rule) session.Principal {
			t.Helper()
			p := f.Works(t, what, token, true)
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
		f.Ask(t, tm, u.ID, policy)
		storagetest.Same(t, in("another provider", team.RuleRequiredProviders).Refused.Missing, []string{"github"})
		if err := f.Exec("UPDATE team_policies SET allowed_networks = 'nowhere'"); err != nil {
			t.Fatal(err)
		}
		in("unreadable", team.RuleUnreadable)
		f.Ask(t, tm, u.ID, team.Policy{MaxAge: 30 * time.Minute})
		f.Clock.Set(s.CreatedAt.Add(30*time.Minute - sessiontest.Tick))
		storagetest.Same(t, in("young enough, and let in again by itself", "").Team.ID, entered.ID)
		f.Clock.Advance(sessiontest.Tick)
		in("too old", team.RuleMaxAge)
	})
}

// A pause that was too long stays one, however often the session is used
// afterwards, until its user is verified again.
func TestIdleIsNotForgottenByUse(t *testing.T) {
	sessiontest.Each(t, func(t *testing.T, f *sessiontest.Fixture) {
		u := f.User(t)
		tm := f.Team(t, u.ID)
		s, token := f.SignIn(t, u.ID)
		f.Ask(t, tm, u.ID, team.Policy{Idle: time.Minute})
		if _, _, err := f.InTeams.Enter(t.Context(), sessiontest.Actor(s), tm.ID, false); err != nil {
			t.Fatal(err)
		}
		for range 5 { // use that is frequent enough is distinguished from a pause
			f.Clock.Advance(time.Minute - sessiontest.Tick)
			if p := f.Works(t, "in use", token, true); p.Team == nil {
				t.Fatalf("refused: %+v", p.Refused)
			}
		}
		f.Clock.Advance(time.Minute)
		for range 3 {
			if p := f.Works(t, "after the pause", token, true); p.Refused == nil || p.Refused.Rule != team.RuleIdle {
				t.Errorf("in %+v", p.Team)
			}
			_, _, err := f.InTeams.Enter(t.Context(), sessiontest.Actor(s), tm.ID, false)
			storagetest.WantCode(t, "entering again", err, identity.CodePolicyUnsatisfied)
		}
		_, token, err := f.Prove(t, f.Works(t, "read", token, true).Session, "google")
		if err != nil {
			t.Fatal(err)
		}
		if p := f.Works(t, "proven again", token, true); p.Team == nil {
			t.Errorf("refused: %+v", p.Refused)
		}
	})
}

// A list says what the policy refuses, filters by it, and ends what it lists. What
// the policy admits again is active by itself.
func TestAListTellsWhatThePolicyRefuses(t *testing.T) {
	sessiontest.Each(t, func(t *testing.T, f *sessiontest.Fixture) {
		owner, member := f.User(t), f.User(t)
		tm := f.Team(t, owner.ID)
		f.Member(t, tm.ID, member.ID, team.RoleMember)
		boss, _ := f.SignIn(t, owner.ID)
		s, _ := f.SignIn(t, member.ID)
		for _, by := range []session.Session{boss, s} {
			if _, _, err := f.InTeams.Enter(t.Context(), sessiontest.Actor(by), tm.ID, false); err != nil {
				t.Fatal(err)
			}
		}
		statuses := func(filter session.Filter) map[identity.ID]session.Status {
			t.Helper()
			rows, _, err := f.InTeams.List(t.Context(), sessiontest.Actor(boss), tm.ID, filter, identity.Page{Limit: 9})
			if err != nil {
				t.Fatal(err)
			}
			out := map[identity.ID]session.Status{}
			for _, l := range rows {
				out[l.UserID] = l.Status(f.Clock.Now())
				if refused := l.Refusal != nil && l.Refusal.Rule == team.RuleRequiredProviders; refused != (out[l.UserID] == session.StatusRefused) {
					t.Errorf("refused by %+v, it is %s", l.Refusal, out[l.UserID])
				}
			}
			return out
		}
		both := func(status session.Status) map[identity.ID]session.Status {
			return map[identity.ID]session.Status{owner.ID: status, member.ID: status}
		}
		of := func(status session.Status) session.Filter { return session.Filter{Status: status} }
		storagetest.Same(t, statuses(session.Filter{}), both(session.StatusActive))
		f.Ask(t, tm, owner.ID, team.Policy{RequiredProviders: []string{"siwe"}})
		storagetest.Same(t, statuses(session.Filter{}), both(session.StatusRefused))
		storagetest.Same(t, statuses(of(session.StatusRefused)), both(session.StatusRefused))
		storagetest.Same(t, len(statuses(of(session.StatusActive))), 0)
		if _, _, err := f.Prove(t, boss, "siwe"); err != nil {
			t.Fatal(err)
		}
		storagetest.Same(t, statuses(of(session.StatusActive)), map[identity.ID]session.Status{owner.ID: session.StatusActive})
		storagetest.Same(t, statuses(of(session.StatusRefused)), map[identity.ID]session.Status{member.ID: session.StatusRefused})
		revoke := func(status session.Status, dryRun bool) revocation.Result[teamsession.Listed] {
			t.Helper()
			e, err := f.InTeams.RevokeMatching(t.Context(), sessiontest.Actor(boss), tm.ID, session.Revocation{Filter: of(status), DryRun: dryRun})
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		for status, want := range map[session.Status]int{session.StatusActive: 1, session.StatusRefused: 1, "": 2} {
			if got := revoke(status, true); got.Count != want || len(got.Sessions) != want {
				t.Errorf("of status %q %d would end, want %d", status, got.Count, want)
			}
		}
		ended := revoke(session.StatusRefused, false)
		storagetest.Same(t, []any{ended.Count, ended.Sessions[0].UserID, ended.Sessions[0].Status(f.Clock.Now())}, []any{1, member.ID, session.StatusRefused})
		storagetest.Same(t, statuses(session.Filter{}), map[identity.ID]session.Status{owner.ID: session.StatusActive, member.ID: session.StatusRevoked})
	})
}
