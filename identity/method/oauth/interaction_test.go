package oauth_test

import (
	"context"
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/google"
)

// A link lets the person choose an account, a step-up has them sign in again, and
// a sign-in asks for nothing.
func TestPurposeDecidesWhatTheProviderIsAskedFor(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, nil)
	google, err := google.New(method.Options{URLs: map[string]string{"ISSUER": i.URL}, ClientID: clientID, ClientSecret: "s"})
	if err != nil {
		t.Fatal(err)
	}
	hub := newGitHub(t, `{}`, `[]`).provider(t, nil)
	type want struct{ prompt, maxAge, login, loginHint string }
	for name, c := range map[string]struct {
		provider method.Redirect
		purpose  identity.Purpose
		want     want
	}{
		"issuer, sign_in": {i.provider(nil), identity.PurposeSignIn, want{loginHint: "ada"}},
		"issuer, link":    {i.provider(nil), identity.PurposeLink, want{prompt: "select_account", loginHint: "ada"}},
		"issuer, step_up": {i.provider(nil), identity.PurposeStepUp, want{prompt: "login", maxAge: "0", loginHint: "ada"}},
		"google, sign_in": {google, identity.PurposeSignIn, want{loginHint: "ada"}},
		"google, link":    {google, identity.PurposeLink, want{prompt: "select_account", loginHint: "ada"}},
		"google, step_up": {google, identity.PurposeStepUp, want{prompt: "select_account", maxAge: "0", loginHint: "ada"}},
		"github, sign_in": {hub, identity.PurposeSignIn, want{login: "ada"}},
		"github, link":    {hub, identity.PurposeLink, want{prompt: "select_account", login: "ada"}},
		"github, step_up": {hub, identity.PurposeStepUp, want{prompt: "select_account", login: "ada"}},
	} {
		for _, hint := range []string{"", "ada"} {
			flow := i.flow
			flow.Purpose, flow.LoginHint = c.purpose, hint
			raw, err := c.provider.AuthCodeURL(context.Background(), flow)
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			expected := c.want
			if hint == "" {
				expected.login, expected.loginHint = "", ""
			}
			q := u.Query()
			got := want{q.Get("prompt"), q.Get("max_age"), q.Get("login"), q.Get("login_hint")}
			if got != expected {
				t.Errorf("%s, hint %q: %s", name, hint, raw)
			}
		}
	}
}

// A step-up that the issuer answered from an old session proves nothing new.
func TestStepUpNeedsANewSignInAtTheIssuer(t *testing.T) {
	t.Parallel()
	began := time.Now().Truncate(time.Second)
	at := func(d time.Duration) any { return began.Add(d).Unix() }
	for name, c := range map[string]struct {
		authTime any // nil for none
		purpose  identity.Purpose
		code     identity.Code
	}{
		"after it began":             {at(time.Second), identity.PurposeStepUp, ""},
		"as it began":                {at(0), identity.PurposeStepUp, ""},
		"by a slow clock":            {at(-identity.ClockSkew), identity.PurposeStepUp, ""},
		"before it began":            {at(-identity.ClockSkew - time.Second), identity.PurposeStepUp, identity.CodeProofTooOld},
		"long before":                {0, identity.PurposeStepUp, identity.CodeProofTooOld},
		"with a fraction":            {float64(began.Unix()) + 0.5, identity.PurposeStepUp, ""},
		"not reported":               {nil, identity.PurposeStepUp, ""},
		"a string":                   {"1700000000", identity.PurposeStepUp, identity.CodeInvalidProof},
		"beyond all time":            {json.Number("1e300"), identity.PurposeStepUp, identity.CodeInvalidProof},
		"a list":                     {[]int64{began.Unix()}, identity.PurposeStepUp, identity.CodeInvalidProof},
		"long before, for a link":    {0, identity.PurposeLink, ""},
		"long before, for a sign-in": {0, identity.PurposeSignIn, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, nil)
			i.claims = func(claims jwt.MapClaims) {
				if claims["auth_time"] = c.authTime; c.authTime == nil {
					delete(claims, "auth_time")
				}
			}
			i.flow.Purpose, i.flow.StartedAt = c.purpose, began
			_, err := i.prove(i.provider(nil))
			if got := identity.ErrorCode(err); got != c.code || err != nil && c.code == "" {
				t.Errorf("got %q, %v; want %q", got, err, c.code)
			}
		})
	}
}
