package authserver_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/authserver"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

const agentID = "https://agent.example/client.json"

// publisher is where one client describes itself.
type publisher struct{ name, more string }

func (p *publisher) Takes(id string) bool { return id == agentID && p.name != "" }

func (p *publisher) Get(_ context.Context, id string, _ identity.ID, _ bool) (client.Document, error) {
	return client.ParseDocument(id, fmt.Appendf(nil, `{"client_id":%q,"client_name":%q,"redirect_uris":["https://agent.example/cb"],"grant_types":["authorization_code","refresh_token"]%s}`, id, p.name, p.more))
}

// What a person agreed to holds for the document that they were shown, and for none that
// the client publishes later.
func TestAChangedDocumentAsksAgain(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		secrets := identity.Secrets{"a secret that is long enough for this"}
		sessions := session.NewService(d.DB, nil, session.Limits{Idle: time.Hour, Lifetime: 24 * time.Hour}, d.Clock.Now)
		tokens := token.NewService(d.DB, token.NewKeyring(d.DB, secrets, token.EdDSA, nil, d.Clock.Now), sessions, nil, secrets, token.Options{
			Issuer: "https://id.example.com", IDTokenKeys: []*token.Keyring{token.NewIDTokenKeyring(d.IDTokenKeys(token.RS256), secrets, token.RS256, nil, d.Clock.Now)},
		}, d.Clock.Now)
		clients := client.NewService(d.DB, client.Options{}, d.Clock.Now)
		agent := &publisher{name: "Agent"}
		s := authserver.New(authserver.Deps{
			Store: d.DB, Sessions: teamsession.NewService(d.DB, sessions, d.Clock.Now), Tokens: tokens, Consents: clients, Documents: agent, Secrets: secrets, Issuer: "https://id.example.com", Now: d.Clock.Now,
		})
		person := func() session.Principal {
			p, err := d.PrincipalBySession(t.Context(), d.Session(t, d.User(t).ID).ID, nil)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		ada, bob := person(), person()
		ask := func(p session.Principal) authserver.Outcome {
			t.Helper()
			out, err := s.Authorize(t.Context(), url.Values{
				"client_id": {agentID}, "redirect_uri": {"https://agent.example/cb"}, "response_type": {"code"}, "scope": {"openid"},
				"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
			}, &p, identity.RequestOrigin{})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		decide := func(p session.Principal, asked string) (string, error) {
			proceed, _, err := s.Decide(t.Context(), asked, p, identity.Actor{UserID: p.User.ID, SessionID: p.Session.ID}, true)
			return proceed, err
		}
		agree := func(p session.Principal) authserver.Outcome {
			t.Helper()
			proceed, err := decide(p, ask(p).Consent)
			if err != nil {
				t.Fatal(err)
			}
			out, err := s.Continue(t.Context(), proceed, &p, identity.RequestOrigin{})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		code := func(o authserver.Outcome) url.Values {
			t.Helper()
			u, err := url.Parse(o.Redirect)
			if err != nil || u.Query().Get("code") == "" {
				t.Fatalf("no code: %+v", o)
			}
			return url.Values{"code": {u.Query().Get("code")}, "redirect_uri": {"https://agent.example/cb"}, "code_verifier": {"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}}
		}
		registered := func() client.Client {
			t.Helper()
			c, err := s.Client(t.Context(), authserver.Credentials{ID: agentID})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		if _, err := s.Client(t.Context(), authserver.Credentials{ID: agentID}); identity.ErrorCode(err) != identity.CodeInvalidClient {
			t.Errorf("before anybody agreed: %v", err)
		}
		form := code(agree(ada))
		got, err := s.Exchange(t.Context(), registered(), form, identity.RequestOrigin{})
		if err != nil || got.Refresh == "" {
			t.Fatalf("%+v %v", got, err)
		}
		agree(bob)

		early, pending := ask(ada), code(ask(ada))
		if early.Redirect == "" {
			t.Fatalf("asked again for the same document: %+v", early)
		}
		first := *agent
		agent.name = "Another"
		if o := ask(ada); o.Consent == "" {
			t.Errorf("a changed document does not ask again: %+v", o)
		}
		agree(bob)
		if registered().Name != "Another" {
			t.Error("the client is not as it was agreed to last")
		}
		// A code for the earlier document is still one of what the person agreed to.
		if _, err := s.Exchange(t.Context(), registered(), pending, identity.RequestOrigin{}); err != nil {
			t.Errorf("a code of before: %v", err)
		}
		if _, err := s.Refresh(t.Context(), registered(), url.Values{"refresh_token": {got.Refresh}}, identity.RequestOrigin{}); err != nil {
			t.Errorf("refreshing: %v", err)
		}
		// The person agrees to what they were shown.
		shown := ask(ada).Consent
		*agent = first
		for name, err := range map[string]error{
			"shown":  func() error { _, err := s.Question(t.Context(), shown, ada); return err }(),
			"agreed": func() error { _, err := decide(ada, shown); return err }(),
		} {
			if identity.ErrorCode(err) != identity.CodeInvalidState {
				t.Errorf("%s a document that has changed: %v", name, err)
			}
		}
		// It is narrowed: what it no longer asks for it no longer has.
		agent.more = `,"scope":"email"`
		agree(bob)
		if c := registered(); c.AllowsScope("profile") || !c.AllowsScope("email") {
			t.Errorf("%v", c.Scopes)
		}

		// An operator deletes it: it has to ask again.
		if err := clients.Delete(t.Context(), nil, agentID); err != nil {
			t.Fatal(err)
		}
		if o := ask(bob); o.Consent == "" {
			t.Errorf("a deleted client does not ask again: %+v", o)
		}
		if o := agree(bob); o.Redirect == "" || d.Count(t, "clients") != 1 {
			t.Errorf("%+v", o)
		}
		registered()
		// Its host is no longer taken.
		agent.name = ""
		if _, err := s.Client(t.Context(), authserver.Credentials{ID: agentID}); identity.ErrorCode(err) != identity.CodeInvalidClient {
			t.Errorf("its tokens are refreshed: %v", err)
		}
		for name, p := range map[string]*session.Principal{"signed out": nil, "a person": &bob} {
			if _, err := s.Authorize(t.Context(), url.Values{"client_id": {agentID}}, p, identity.RequestOrigin{}); identity.ErrorCode(err) != identity.CodeClientNotFound {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
