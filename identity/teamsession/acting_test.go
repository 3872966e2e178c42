package teamsession_test

import (
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/sessiontest"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// A session that is in several teams acts in the one that is asked for, as that
// team's policy says now.
func TestActingIn(t *testing.T) {
	sessiontest.Each(t, func(t *testing.T, f *sessiontest.Fixture) {
		u := f.User(t)
		s, token := f.SignIn(t, u.ID)
		first, second, refusing, left, notEntered := f.Team(t, u.ID), f.Team(t, u.ID), f.Team(t, u.ID), f.Team(t, u.ID), f.Team(t, u.ID)
		entered := map[identity.ID]identity.ID{}
		for _, tm := range []team.Team{second, refusing, left, first} {
			ts, _, err := f.InTeams.Enter(t.Context(), sessiontest.Actor(s), tm.ID, false)
			if err != nil {
				t.Fatal(err)
			}
			entered[tm.ID] = ts.ID
		}
		f.Ask(t, refusing, u.ID, team.Policy{RequiredProviders: []string{"siwe"}})
		if err := f.InTeams.Revoke(t.Context(), sessiontest.Actor(s), left.ID, entered[left.ID]); err != nil {
			t.Fatal(err)
		}
		foreign := f.Team(t, f.User(t).ID)
		other, _ := f.SignIn(t, u.ID) // the user's, in a team that this session is not in
		elsewhere := f.Team(t, u.ID)
		f.TeamSession(t, elsewhere.ID, other)
		p := f.Works(t, "the session", token, true)
		p.Memo = &session.Memo{}
		for name, c := range map[string]struct {
			team    identity.ID
			in      bool
			refused team.Rule
		}{
			"entered last": {first.ID, true, ""}, "entered before": {second.ID, true, ""},
			"refused": {refusing.ID, false, team.RuleRequiredProviders}, "left": {left.ID, false, ""},
			"not entered": {notEntered.ID, false, ""}, "not a member": {foreign.ID, false, ""}, "no team": {identity.NewID(), false, ""},
			"another session's": {elsewhere.ID, false, ""},
		} {
			got, err := f.InTeams.ActingIn(t.Context(), p, c.team, sessiontest.Origin)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if in := got.Team != nil && got.Team.TeamID == c.team && got.Team.ID == entered[c.team]; in != c.in || !c.in && got.Team != nil {
				t.Errorf("%s: acts in %+v", name, got.Team)
			}
			var rule team.Rule
			if got.Refused != nil {
				rule = got.Refused.Rule
				storagetest.Same(t, got.Refused.TeamID, c.team)
			}
			if rule != c.refused {
				t.Errorf("%s: refused by %q, want %q", name, rule, c.refused)
			}
			if (got.Memo == nil) == (c.team == first.ID) {
				t.Errorf("%s: what was made for the team entered last is kept for another", name)
			}
			storagetest.Same(t, got.Session, p.Session)
		}
	})
}
