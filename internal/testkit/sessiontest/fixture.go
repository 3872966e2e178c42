// Package sessiontest has sessions over a real storage for the tests of the packages that
// make, judge and end them.
package sessiontest

import (
	"context"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// How long the sessions of [Each] live, and the smallest step of their times.
const (
	Idle     = time.Hour
	Lifetime = 3 * time.Hour
	Tick     = time.Microsecond
)

// Origin is where all requests come from.
var Origin = identity.RequestOrigin{IP: "192.0.2.1", UserAgent: "agent"}

// Fixture is the services over a real storage.
type Fixture struct {
	*storagetest.Database
	*session.Service
	InTeams *teamsession.Service
}

// New returns a fixture of a service that has been made over a database.
func New(d *storagetest.Database, sessions *session.Service) *Fixture {
	return &Fixture{d, sessions, teamsession.NewService(d.DB, sessions, d.Clock.Now)}
}

// Each runs a test on each engine.
func Each(t *testing.T, test func(t *testing.T, f *Fixture)) {
	t.Helper()
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		test(t, New(d, session.NewService(d.DB, nil, session.Limits{Idle: Idle, Lifetime: Lifetime}, d.Clock.Now)))
	})
}

// SignIn signs a user in.
func (f *Fixture) SignIn(t *testing.T, user identity.ID) (s session.Session, token string) {
	t.Helper()
	via := f.Identity(t, user, "google", storagetest.Word())
	f.Do(t, func(ctx context.Context) (err error) {
		s, token, err = f.Issue(ctx, via, Origin, nil)
		return err
	})
	return s, token
}

// Prove proves another identity of a provider in a session.
func (f *Fixture) Prove(t *testing.T, seen session.Session, provider string) (s session.Session, token string, err error) {
	t.Helper()
	if provider == identity.ProviderSIWE {
		return f.ProveBy(seen, new(f.Wallet(t, seen.UserID)))
	}
	return f.ProveBy(seen, new(f.Identity(t, seen.UserID, provider, storagetest.Word())))
}

// ProveBy is Prove by an identity; nil only rotates the token.
func (f *Fixture) ProveBy(seen session.Session, via *identity.Identity) (s session.Session, token string, err error) {
	err = f.InTx(context.Background(), func(ctx context.Context) (err error) {
		s, token, err = f.Service.Renew(ctx, seen, via, true)
		return err
	})
	return s, token, err
}

// Works asserts whether a token lets in.
func (f *Fixture) Works(t *testing.T, what, token string, want bool) session.Principal {
	t.Helper()
	p, err := f.Authenticate(t.Context(), token, Origin)
	if want && err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if !want {
		storagetest.WantCode(t, what, err, identity.CodeUnauthenticated)
	}
	return p
}

// Application makes a session of an application in a browser's session.
func (f *Fixture) Application(t *testing.T, parent session.Session, edit ...func(*session.NewApplication)) (session.Principal, error) {
	t.Helper()
	n := session.NewApplication{ID: identity.NewID(), UserID: parent.UserID, Parent: parent.ID, ClientID: "app", Scopes: []string{"openid", "email"}, From: Origin}
	for _, e := range edit {
		e(&n)
	}
	var p session.Principal
	err := f.InTx(t.Context(), func(ctx context.Context) (err error) {
		p, err = f.InTeams.IssueApplication(ctx, n)
		return err
	})
	return p, err
}

// Row returns a session as it is stored.
func (f *Fixture) Row(t *testing.T, id identity.ID) (s session.Session, err error) {
	t.Helper()
	f.Do(t, func(ctx context.Context) error { s, err = f.LockSession(ctx, id); return nil })
	return s, err
}

// Ask sets a team's policy without the service.
func (f *Fixture) Ask(t *testing.T, tm team.Team, by identity.ID, p team.Policy) {
	t.Helper()
	f.Do(t, func(ctx context.Context) error { return f.SetTeamPolicy(ctx, tm.ID, p, by, f.Clock.Now()) })
}

// Actor acts in a session that is recently verified.
func Actor(s session.Session) identity.Actor {
	return identity.Actor{UserID: s.UserID, SessionID: s.ID, RecentlyVerified: true}
}
