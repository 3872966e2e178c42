package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func testPrincipal(t *testing.T, d *storagetest.Database) {
	ask := func(t *testing.T, s session.Session) session.Principal {
		t.Helper()
		return must[session.Principal](t)(d.PrincipalByToken(t.Context(), s.TokenHash))
	}

	t.Run("session and user come back whole", func(t *testing.T) {
		onboarded := d.Clock.Now()
		u := d.User(t, func(u *identity.User) {
			u.Metadata, u.OnboardedAt, u.Operator = identity.Metadata{"a": "b"}.Raw(), &onboarded, true
		})
		i := d.Wallet(t, u.ID)
		s := d.Session(t, u.ID, func(s *session.Session) { s.IdentityID, s.Methods = &i.ID, session.Methods{"siwe", "github"} })
		made := session.MadeBy{ID: i.ID, Provider: i.Provider, Wallet: &identity.Wallet{Address: *i.WalletAddress, ChainID: *i.WalletChainID, Kind: *i.WalletKind}}
		storagetest.Same(t, ask(t, s), session.Principal{Session: s, User: u, MadeBy: &made})
		other := d.Identity(t, u.ID, "google", storagetest.Word())
		s = d.Session(t, u.ID, func(s *session.Session) { s.IdentityID = &other.ID })
		storagetest.Same(t, ask(t, s), session.Principal{Session: s, User: u, MadeBy: &session.MadeBy{ID: other.ID, Provider: "google"}})
	})

	t.Run("of no token, an old one and an ended session there is none", func(t *testing.T) {
		s := d.Session(t, d.User(t).ID)
		old := s.TokenHash
		_, none := identity.NewSecret()
		_, s.TokenHash = identity.NewSecret()
		d.Do(t, func(ctx context.Context) error { return d.UpdateSession(ctx, s) })
		ask(t, s)
		end(t, d, s.UserID, session.SessionSelector{}, d.Clock.Now())
		for name, hash := range map[string][]byte{"none": none, "old": old, "ended": s.TokenHash, "empty": {}, "nil": nil} {
			_, err := d.PrincipalByToken(t.Context(), hash)
			storagetest.WantNotFound(t, name, err)
		}
	})

	t.Run("expiry and a disabled user are the caller's to see", func(t *testing.T) {
		u := d.User(t, func(u *identity.User) { u.Status = identity.StatusDisabled })
		s := d.Session(t, u.ID, func(s *session.Session) { s.ExpiresAt = s.CreatedAt.Add(-time.Hour) })
		storagetest.Same(t, ask(t, s), session.Principal{Session: s, User: u})
	})

	t.Run("the team is the open one of a member, with the role of now", func(t *testing.T) {
		owner, u := d.User(t), d.User(t)
		tm := d.Team(t, owner.ID)
		d.Member(t, tm.ID, u.ID, team.RoleMember)
		s := d.Session(t, u.ID)
		ts := d.TeamSession(t, tm.ID, s)
		if ask(t, s).Team != nil {
			t.Error("a team session that was not entered is acted in")
		}
		s.TeamSessionID = &ts.ID
		d.Do(t, func(ctx context.Context) error { return d.UpdateSession(ctx, s) })
		want := session.ActiveTeamSession{ID: ts.ID, TeamID: tm.ID, Role: team.RoleMember, CreatedAt: ts.CreatedAt}
		storagetest.Same(t, ask(t, s).Team, want)

		d.Do(t, func(ctx context.Context) error {
			return d.UpdateRole(ctx, team.Membership{TeamID: tm.ID, UserID: u.ID, Role: team.RoleAdmin})
		})
		want.Role = team.RoleAdmin
		storagetest.Same(t, ask(t, s).Team, want)

		now := d.Clock.Now()
		d.Do(t, func(ctx context.Context) error { return d.EndTeamSessions(ctx, tm.ID, &u.ID, owner.ID, "over", now) })
		if ask(t, s).Team != nil {
			t.Error("an ended team session is acted in")
		}
	})

	t.Run("with the team session come policy and break-glass", func(t *testing.T) {
		u := d.User(t)
		tm, s := d.Team(t, u.ID), d.Session(t, u.ID)
		ts := d.TeamSession(t, tm.ID, s)
		s.TeamSessionID = &ts.ID
		d.Do(t, func(ctx context.Context) error { return d.UpdateSession(ctx, s) })
		for _, p := range policies() {
			d.Do(t, func(ctx context.Context) error { return d.SetTeamPolicy(ctx, tm.ID, p, u.ID, d.Clock.Now()) })
			storagetest.Same(t, ask(t, s).Team.Policy, p)
		}
		until := d.Clock.Now().Add(time.Hour)
		d.Do(t, func(ctx context.Context) error { return d.SetBreakGlass(ctx, ts.ID, until) })
		storagetest.Same(t, ask(t, s).Team.BreakGlassUntil, until)
		end := func(reason string) {
			at := d.Clock.Now()
			ts.EndedAt, ts.EndReason = &at, &reason
			d.Do(t, func(ctx context.Context) error { return d.EndTeamSession(ctx, ts) })
		}
		if end(session.EndedByPolicy); !ask(t, s).Team.EndedByPolicy {
			t.Error("what a policy ended is returned as open")
		}
		if end("else"); ask(t, s).Team != nil {
			t.Error("an ended team session is returned")
		}
		if err := d.Exec("UPDATE team_sessions SET ended_at = NULL, end_reason = NULL WHERE id = ?", ts.ID.String()); err != nil {
			t.Fatal(err)
		}
		if err := d.Exec("UPDATE team_policies SET allowed_networks = 'the moon' WHERE team_id = ?", tm.ID.String()); err != nil {
			t.Fatal(err)
		}
		if !ask(t, s).Team.Policy.Unreadable {
			t.Error("networks that are none are taken for a policy")
		}
	})

	t.Run("who is no member acts in no team, whatever is left open", func(t *testing.T) {
		owner, u := d.User(t), d.User(t)
		tm := d.Team(t, owner.ID)
		d.Member(t, tm.ID, u.ID, team.RoleMember)
		s := d.Session(t, u.ID)
		ts := d.TeamSession(t, tm.ID, s)
		s.TeamSessionID = &ts.ID
		d.Do(t, func(ctx context.Context) error { return d.UpdateSession(ctx, s) })
		d.Do(t, func(ctx context.Context) error { return d.DeleteMembership(ctx, tm.ID, u.ID) })
		if ask(t, s).Team != nil {
			t.Error("acts in a team they were removed from")
		}
		d.Do(t, func(ctx context.Context) error {
			return d.EndTeamSessions(ctx, tm.ID, nil, owner.ID, "over", d.Clock.Now())
		})
	})

	t.Run("by the session, it acts in the team session that is named", func(t *testing.T) {
		u := d.User(t)
		one, two := d.Team(t, u.ID), d.Team(t, u.ID)
		s, other := d.Session(t, u.ID), d.Session(t, u.ID)
		first, second, foreign := d.TeamSession(t, one.ID, s), d.TeamSession(t, two.ID, s), d.TeamSession(t, one.ID, other)
		s.TeamSessionID = &second.ID
		d.Do(t, func(ctx context.Context) error { return d.UpdateSession(ctx, s) })
		bySession := func(ts *identity.ID) session.Principal {
			t.Helper()
			return must[session.Principal](t)(d.PrincipalBySession(t.Context(), s.ID, ts))
		}
		storagetest.Same(t, bySession(nil), session.Principal{Session: s, User: u})
		storagetest.Same(t, bySession(&second.ID), ask(t, s))
		if p := bySession(&first.ID); p.Team == nil || p.Team.TeamID != one.ID || p.Team.Role != team.RoleOwner {
			t.Errorf("acts in %+v", p.Team)
		}
		if p := bySession(&foreign.ID); p.Team != nil {
			t.Errorf("acts in another session's %+v", p.Team)
		}
		now := d.Clock.Now()
		first.EndedAt, first.EndReason = &now, new("over")
		d.Do(t, func(ctx context.Context) error { return d.EndTeamSession(ctx, first) })
		if p := bySession(&first.ID); p.Team != nil {
			t.Errorf("acts in the ended %+v", p.Team)
		}
		end(t, d, u.ID, session.SessionSelector{Only: &s.ID}, now)
		_, err := d.PrincipalBySession(t.Context(), s.ID, nil)
		storagetest.WantNotFound(t, "an ended session", err)
	})
}
