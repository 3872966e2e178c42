package session_test

import (
	"context"
	"errors"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// A session ends with the sign-in that replaces it, whichever user signs in, by an
// identity or by a recovery code.
func TestANewSessionEndsTheOneItReplaces(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		u, other := f.User(t), f.User(t)
		by := func(user identity.ID) func(ctx context.Context, replaces *session.Session) (session.Session, string, error) {
			via := f.Identity(t, user, "google", storagetest.Word())
			return func(ctx context.Context, replaces *session.Session) (session.Session, string, error) {
				return f.Issue(ctx, via, origin, replaces)
			}
		}
		for name, sign := range map[string]func(ctx context.Context, replaces *session.Session) (session.Session, string, error){
			"the same user": by(u.ID), "another user": by(other.ID),
			"a recovery code": func(ctx context.Context, replaces *session.Session) (session.Session, string, error) {
				return f.IssueRestricted(ctx, u.ID, "recovery", origin, replaces)
			},
		} {
			old, oldToken := f.SignIn(t, u.ID)
			_, elsewhere := f.SignIn(t, u.ID)
			f.TeamSession(t, f.Team(t, u.ID).ID, old)
			var next session.Session
			var token string
			f.Do(t, func(ctx context.Context) (err error) { next, token, err = sign(ctx, &old); return err })
			f.Works(t, name+": the replaced one", oldToken, false)
			f.Works(t, name+": the new one", token, true)
			f.Works(t, name+": one elsewhere", elsewhere, true)
			if n := f.Count(t, "sessions WHERE end_reason = 'replaced' AND id = '"+old.ID.String()+"'"); n != 1 {
				t.Errorf("%s: the session does not say why it ended", name)
			}
			if n := f.Count(t, "team_sessions WHERE ended_at IS NULL AND session_id = '"+old.ID.String()+"'"); n != 0 {
				t.Errorf("%s: its team session is open", name)
			}
			recorded := "audit_events WHERE action = 'session.ended' AND CAST(data AS text) LIKE '%replaced%' AND user_id = '" + u.ID.String() + "' AND session_id = '" + old.ID.String() + "'"
			if n := f.Count(t, recorded); n != 1 {
				t.Errorf("%s: %d events in the history of the session's user", name, n)
			}
			if n := f.Count(t, "audit_events WHERE CAST(data AS text) LIKE '%"+next.ID.String()+"%'"); n != 0 {
				t.Errorf("%s: the history of the one names the session of the other", name)
			}
			// What has ended is neither ended nor recorded again.
			f.Do(t, func(ctx context.Context) error { _, _, err := sign(ctx, &old); return err })
			if n := f.Count(t, recorded); n != 1 {
				t.Errorf("%s: recorded %d times", name, n)
			}
			f.Works(t, name+": one elsewhere", elsewhere, true)
		}
	})
}

// A sign-in that fails ends nothing.
func TestASignInThatFailsReplacesNothing(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		u := f.User(t)
		old, token := f.SignIn(t, u.ID)
		via := f.Identity(t, u.ID, "google", storagetest.Word())
		failed := errors.New("failed")
		err := f.InTx(t.Context(), func(ctx context.Context) error {
			if _, _, err := f.Issue(ctx, via, origin, &old); err != nil {
				return err
			}
			return failed
		})
		if !errors.Is(err, failed) {
			t.Error(err)
		}
		f.Works(t, "the old one", token, true)
	})
}
