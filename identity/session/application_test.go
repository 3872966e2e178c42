package session_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func offline(n *session.NewApplication) { n.Offline = true }

// lives reports whether what is derived from a session works.
func lives(t *testing.T, f *fixture, p session.Principal) bool {
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
		parent, _ := f.SignIn(t, f.User(t).ID)
		f.Clock.Advance(20 * time.Minute)
		p, err := f.Application(t, parent)
		if err != nil {
			t.Fatal(err)
		}
		s := p.Session
		if s.Kind != session.KindApplication || *s.ClientID != "app" || *s.ParentID != parent.ID || *s.IdentityID != *parent.IdentityID ||
			!slices.Equal(s.Methods, parent.Methods) || !s.AuthenticatedAt.Equal(parent.AuthenticatedAt) || !s.SignedInAt.Equal(parent.CreatedAt) ||
			!s.ExpiresAt.Equal(parent.ExpiresAt) || !slices.Equal(s.Scopes, []string{"openid", "email"}) {
			t.Errorf("%+v", s)
		}
		if off, err := f.Application(t, parent, offline); err != nil || !off.Session.ExpiresAt.Equal(f.Clock.Now().Add(lifetime)) {
			t.Errorf("offline, until %v: %v", off.Session.ExpiresAt, err)
		}
		if _, err := f.Application(t, s); identity.ErrorCode(err) != identity.CodeUnauthenticated {
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
				parent, _ := f.SignIn(t, f.User(t).ID)
				ordinary, err := f.Application(t, parent)
				if err != nil {
					t.Fatal(err)
				}
				off, err := f.Application(t, parent, offline)
				if err != nil {
					t.Fatal(err)
				}
				c.end(t, parent)
				if lives(t, f, ordinary) != c.keepsOrdinary || lives(t, f, off) != c.keepsOffline {
					t.Errorf("ordinary lives %v, offline lives %v", lives(t, f, ordinary), lives(t, f, off))
				}
				if _, err := f.Application(t, parent); identity.ErrorCode(err) != identity.CodeUnauthenticated {
					t.Errorf("a session that has ended made another: %v", err)
				}
			})
		}
	})
}

func TestApplicationEndsAlone(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		parent, token := f.SignIn(t, f.User(t).ID)
		one, err := f.Application(t, parent)
		if err != nil {
			t.Fatal(err)
		}
		other, err := f.Application(t, parent)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.End(t.Context(), identity.Actor{UserID: parent.UserID, SessionID: parent.ID}, one.Session.ID); err != nil {
			t.Fatal(err)
		}
		if lives(t, f, one) || !lives(t, f, other) {
			t.Errorf("one lives %v, the other lives %v", lives(t, f, one), lives(t, f, other))
		}
		f.Works(t, "the parent", token, true)
	})
}
