package linking_test

import (
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
	"github.com/latchkey/latchkey/storage"
)

const undoFor = 30 * 24 * time.Hour

// world is linking over a real storage, with a browser.
type world struct {
	*storagetest.Database
	service *linking.Service
	browser []byte
}

// store is what linking and sessions need; a test may wrap it.
type store interface {
	linking.Store
	session.Store
}

var _ store = (*storage.DB)(nil)

func newWorld(d *storagetest.Database, policy linking.Policy) *world {
	return newWorldOver(d, d.DB, policy)
}

func newWorldOver(d *storagetest.Database, s store, policy linking.Policy) *world {
	sessions := session.NewService(s, nil, session.Limits{Idle: 1000 * time.Hour, Lifetime: 2000 * time.Hour}, d.Clock.Now)
	all := func(string) bool { return true }
	return &world{
		Database: d, service: linking.NewService(s, sessions, linking.Options{Policy: policy, Usable: all, UndoFor: undoFor}, d.Clock.Now),
		browser: identity.HashSecret("browser"),
	}
}

// proof is a proof of a purpose, with a secret of its own.
func (w *world) proof(purpose identity.Purpose, provider, subject string, edit ...func(p *identity.Proof)) identity.Proof {
	_, hash := identity.NewSecret()
	p := identity.Proof{
		Provider: provider, Subject: subject, Purpose: purpose, DisplayName: "Ada",
		Secret: &identity.SingleUse{Hash: hash, ExpiresAt: w.Clock.Now().Add(time.Hour)},
	}
	for _, e := range edit {
		e(&p)
	}
	return p
}

func vouched(address string) func(p *identity.Proof) {
	return func(p *identity.Proof) { p.Email, p.EmailAuthoritative, p.Reported = address, true, true }
}

func shown(address string) func(p *identity.Proof) {
	return func(p *identity.Proof) { p.Email, p.Reported = address, true }
}

func wallet(p *identity.Proof) {
	p.Wallet = &identity.Wallet{Address: p.Subject, ChainID: 1, Kind: "eoa"}
}

func (w *world) apply(t *testing.T, p identity.Proof, current *session.Principal) (linking.Result, error) {
	t.Helper()
	return w.service.Apply(t.Context(), linking.Submission{
		Proof: p, Current: current, BrowserHash: w.browser, Origin: identity.RequestOrigin{IP: "192.0.2.1", UserAgent: "agent"},
	})
}

// must applies a proof that must work.
func (w *world) must(t *testing.T, p identity.Proof, current *session.Principal) linking.Result {
	t.Helper()
	r, err := w.apply(t, p, current)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// signIn signs a person in and returns them as the principal of a next request.
func (w *world) signIn(t *testing.T, provider, subject string, edit ...func(p *identity.Proof)) *session.Principal {
	t.Helper()
	return principal(w.must(t, w.proof(identity.PurposeSignIn, provider, subject, edit...), nil))
}

func principal(r linking.Result) *session.Principal {
	return &session.Principal{Session: r.Session, User: r.User}
}

func (w *world) owner(t *testing.T, provider, subject string) identity.ID {
	t.Helper()
	_, u, err := w.IdentityOwner(t.Context(), provider, subject)
	if err != nil {
		t.Errorf("owner of %s %s: %v", provider, subject, err)
	}
	return u.ID
}
