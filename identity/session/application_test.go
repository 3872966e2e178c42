package session_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// application makes a session of an application in a browser's session.
func (f *fixture) application(t *testing.T, parent session.Session, edit ...func(*session.NewApplication)) (session.Principal, error) {
	t.Helper()
	n := session.NewApplication{ID: identity.NewID(), UserID: parent.UserID, Parent: parent.ID, ClientID: "app", Scopes: []string{"openid", "email"}, From: origin}
	for _, e := range edit {
		e(&n)
	}
	var p session.Principal
	err := f.InTx(t.Context(), func(ctx context.Context) (err error) {
		p, err = f.IssueApplication(ctx, n)
		return err
	})
	return p, err
}

func offline(n *session.NewApplication) { n.Offline = true }

// lives reports whether what is derived from a session works.
func (f *fixture) lives(t *testing.T, p session.Principal) bool {
	t.Helper()
	var in *identity.ID
	if p.Team != nil {
		in = &p.Team.ID
	}
	_, err := f.ByID(t.Context(), p.Session.ID, in, origin)
	if err != nil && identity.ErrorCode(err) != identity.CodeUnauthenticated {
		t.Fatal(err)
	}
	return err == nil
}

func TestApplicationIsWhatItsParentWasProvenBy(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		parent, _ := f.issue(t, f.User(t).ID)
		f.Clock.Advance(20 * time.Minute)
		p, err := f.application(t, parent)
		if err != nil {
			t.Fatal(err)
		}
		s := p.Session
		if s.Kind != session.KindApplication || *s.ClientID != "app" || *s.ParentID != parent.ID || *s.IdentityID != *parent.IdentityID ||
			!slices.Equal(s.Methods, parent.Methods) || !s.AuthenticatedAt.Equal(parent.AuthenticatedAt) || !s.SignedInAt.Equal(parent.CreatedAt) ||
			!s.ExpiresAt.Equal(parent.ExpiresAt) || !slices.Equal(s.Scopes, []string{"openid", "email"}) {
			t.Errorf("%+v", s)
		}
		if off, err := f.application(t, parent, offline); err != nil || !off.Session.ExpiresAt.Equal(f.Clock.Now().Add(lifetime)) {
			t.Errorf("offline, until %v: %v", off.Session.ExpiresAt, err)
		}
		if _, err := f.application(t, s); identity.ErrorCode(err) != identity.CodeUnauthenticated {
			t.Errorf("an application's session is no parent: %v", err)
		}
	})
}

func TestApplicationsEndWithTheirParent(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for name, c := range map[string]struct {
			end           func(t *testing.T, parent session.Session)
			keepsOffline  bool
			keepsOrdinary bool
		}{
			"signed out": {func(t *testing.T, parent session.Session) {
				if err := f.SignOut(t.Context(), identity.Actor{UserID: parent.UserID, SessionID: parent.ID}); err != nil {
					t.Fatal(err)
				}
			}, true, false},
			"ended by an operator": {func(t *testing.T, parent session.Session) {
				if err := f.RevokeSession(t.Context(), identity.Actor{UserID: f.User(t).ID, SessionID: parent.ID}, parent.ID); err != nil {
					t.Fatal(err)
				}
			}, true, false},
			"suspended": {func(t *testing.T, parent session.Session) {
				f.Do(t, func(ctx context.Context) error {
					_, err := f.EndSessions(ctx, parent.UserID, session.SessionSelector{}, "suspended", f.Clock.Now())
					return err
				})
			}, false, false},
			"unlinked": {func(t *testing.T, parent session.Session) {
				f.Do(t, func(ctx context.Context) error {
					_, err := f.EndSessionsBy(ctx, *parent.IdentityID, "unlinked", f.Clock.Now())
					return err
				})
			}, false, false},
			"replaced by another person": {func(t *testing.T, parent session.Session) {
				via := f.Identity(t, f.User(t).ID, "google", storagetest.Word())
				f.Do(t, func(ctx context.Context) error { _, _, err := f.Issue(ctx, via, origin, &parent); return err })
			}, true, false},
			"replaced by the same person": {func(t *testing.T, parent session.Session) {
				via := f.Identity(t, parent.UserID, "github", storagetest.Word())
				f.Do(t, func(ctx context.Context) error { _, _, err := f.Issue(ctx, via, origin, &parent); return err })
			}, true, true},
		} {
			t.Run(name, func(t *testing.T) {
				parent, _ := f.issue(t, f.User(t).ID)
				ordinary, err := f.application(t, parent)
				if err != nil {
					t.Fatal(err)
				}
				off, err := f.application(t, parent, offline)
				if err != nil {
					t.Fatal(err)
				}
				c.end(t, parent)
				if f.lives(t, ordinary) != c.keepsOrdinary || f.lives(t, off) != c.keepsOffline {
					t.Errorf("ordinary lives %v, offline lives %v", f.lives(t, ordinary), f.lives(t, off))
				}
				if _, err := f.application(t, parent); identity.ErrorCode(err) != identity.CodeUnauthenticated {
					t.Errorf("a session that has ended made another: %v", err)
				}
			})
		}
	})
}

func TestApplicationEndsAlone(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		parent, token := f.issue(t, f.User(t).ID)
		one, err := f.application(t, parent)
		if err != nil {
			t.Fatal(err)
		}
		other, err := f.application(t, parent)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.End(t.Context(), identity.Actor{UserID: parent.UserID, SessionID: parent.ID}, one.Session.ID); err != nil {
			t.Fatal(err)
		}
		if f.lives(t, one) || !f.lives(t, other) {
			t.Errorf("one lives %v, the other lives %v", f.lives(t, one), f.lives(t, other))
		}
		f.works(t, "the parent", token, true)
	})
}

func TestApplicationInATeam(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		owner, member := f.User(t), f.User(t)
		tm := f.Team(t, owner.ID)
		f.Member(t, tm.ID, member.ID, team.RoleMember)
		in := func(n *session.NewApplication) { n.TeamID, n.Offline = &tm.ID, true }
		parent, _ := f.issue(t, member.ID)

		p, err := f.application(t, parent, in)
		if err != nil || p.Team == nil || p.Team.TeamID != tm.ID || p.Team.Role != team.RoleMember {
			t.Fatalf("%+v %v", p.Team, err)
		}
		stranger, _ := f.issue(t, f.User(t).ID)
		if _, err := f.application(t, stranger, in); err == nil {
			t.Error("a stranger is in the team")
		}
		// Ending it in the panel ends the application's session, also offline.
		boss := identity.Actor{UserID: owner.ID}
		if err := f.RevokeTeamSession(t.Context(), boss, tm.ID, p.Team.ID); err != nil {
			t.Fatal(err)
		}
		if s, err := f.session(t, p.Session.ID); err != nil || s.EndedAt == nil {
			t.Errorf("its session goes on: %+v %v", s, err)
		}
		if p, err = f.application(t, parent, in); err != nil {
			t.Fatal(err)
		}
		f.Do(t, func(ctx context.Context) error {
			return f.EndTeamSessions(ctx, tm.ID, &member.ID, owner.ID, "member_removed", f.Clock.Now())
		})
		if s, err := f.session(t, p.Session.ID); err != nil || s.EndedAt == nil || *s.EndReason != "member_removed" {
			t.Errorf("its session goes on: %+v %v", s, err)
		}
		// Its policy is judged by the person's sign-in and browser.
		f.Clock.Advance(30 * time.Minute)
		f.Do(t, func(ctx context.Context) error {
			return f.DB.SetTeamPolicy(ctx, tm.ID, team.Policy{MaxAge: 20 * time.Minute}, owner.ID, f.Clock.Now())
		})
		if _, err := f.application(t, parent, in); identity.ErrorCode(err) != identity.CodePolicyUnsatisfied {
			t.Errorf("an old sign-in is let in: %v", err)
		}
		fresh, _ := f.issue(t, member.ID)
		p, err = f.application(t, fresh, in)
		if err != nil {
			t.Fatal(err)
		}
		f.Clock.Advance(20 * time.Minute)
		if _, err := f.ByID(t.Context(), p.Session.ID, &p.Team.ID, origin); identity.ErrorCode(err) != identity.CodePolicyUnsatisfied {
			t.Errorf("max_age does not count from the sign-in: %v", err)
		}
	})
}

func (f *fixture) session(t *testing.T, id identity.ID) (s session.Session, err error) {
	t.Helper()
	f.Do(t, func(ctx context.Context) error { s, err = f.LockSession(ctx, id); return nil })
	return s, err
}
