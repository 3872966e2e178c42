package token_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// source is an application that adds to tokens.
type source struct {
	claims json.RawMessage
	err    error
	asked  []token.ClaimQuestion
}

func (s *source) AppClaims(_ context.Context, q token.ClaimQuestion) (json.RawMessage, error) {
	s.asked = append(s.asked, q)
	return s.claims, s.err
}

// The application is asked for each token, also where one is refreshed.
func TestApplicationAddsToTokens(t *testing.T) {
	d := storagetest.Open(t, "sqlite")
	app := &source{claims: json.RawMessage(`{"plan":"pro"}`)}
	sessions := session.NewService(d.DB, nil, session.Limits{Idle: time.Hour, Lifetime: 24 * time.Hour}, d.Clock.Now)
	s := token.NewService(d.DB, newKeyring(d.DB, d), sessions, nil, identity.Secrets{secret}, token.Options{
		Issuer: issuer, Clients: token.Clients{{ID: "web", Audience: "https://api.example.com", Offline: true}}, Claims: app,
	}, d.Clock.Now)
	p := principal(t, d)
	g, err := s.Issue(t.Context(), p, token.Ask{Offline: true}, identity.RequestOrigin{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Refresh(t.Context(), g.RefreshToken, "web", identity.RequestOrigin{})
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range []string{g.AccessToken, r.AccessToken} {
		claims, _ := json.Marshal(decode(t, strings.Split(raw, ".")[1])["app"])
		if string(claims) != `{"plan":"pro"}` {
			t.Errorf("app is %s", claims)
		}
	}
	if len(app.asked) != 2 || app.asked[0].User.ID != p.User.ID || app.asked[0].ClientID != "web" || app.asked[1].Audience != "https://api.example.com" {
		t.Errorf("asked %+v", app.asked)
	}
	own := p
	own.Session.ClientID = new("web")
	raw, err := s.SignApplication(t.Context(), own, issuer, nil, map[string]any{"plan": "free", "onboarded": true})
	if err != nil {
		t.Fatal(err)
	}
	if both, _ := json.Marshal(decode(t, strings.Split(raw, ".")[1])["app"]); string(both) != `{"onboarded":true,"plan":"pro"}` {
		t.Errorf("with the client's own: %s", both)
	}
	app.claims = nil
	if _, has := decode(t, strings.Split(issue(t, s, p), ".")[1])["app"]; has {
		t.Error("a token has an empty claim")
	}
	app.err = errors.New("down")
	if g, err := s.Issue(t.Context(), p, token.Ask{}, identity.RequestOrigin{}); err == nil || g.AccessToken != "" {
		t.Errorf("a token without an answer: %v, %v", g, err)
	}
}
