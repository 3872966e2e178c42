package method_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
)

const stateLife = 10 * time.Minute

var stateTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newStates() *method.States {
	return method.NewStates(identity.DeriveKey("a secret of the operator", "oauth state"), stateLife)
}

func issue(t *testing.T, purpose identity.Purpose, b method.Binding) string {
	t.Helper()
	token, err := newStates().Issue(method.State{Provider: "google", Purpose: purpose, ReturnTo: "/a?b=c#d"}, b, stateTime)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestStateCarriesWhatItWasIssuedFor(t *testing.T) {
	t.Parallel()
	b := method.Binding{Browser: "browser", Session: "session"}
	for _, purpose := range []identity.Purpose{
		identity.PurposeSignIn, identity.PurposeLink, identity.PurposeMerge, identity.PurposeStepUp,
	} {
		got, err := newStates().Open(issue(t, purpose, b), "google", b, stateTime.Add(stateLife-time.Second))
		want := method.State{Provider: "google", Purpose: purpose, ReturnTo: "/a?b=c#d", ExpiresAt: stateTime.Add(stateLife)}
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", purpose, got, err, want)
		}
	}
}

func TestStateIsRefused(t *testing.T) {
	t.Parallel()
	b := method.Binding{Browser: "browser", Session: "session"}
	token := issue(t, identity.PurposeLink, b)
	other := method.NewStates(identity.DeriveKey("another secret", "oauth state"), stateLife)
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	flipped := func(at int) string {
		c := append([]byte(nil), raw...)
		c[at] ^= 1
		return base64.RawURLEncoding.EncodeToString(c)
	}
	cases := map[string]struct {
		states   *method.States
		token    string
		provider string
		binding  method.Binding
		at       time.Time
	}{
		"other browser":        {token: token, binding: method.Binding{Browser: "brows", Session: "session"}},
		"bytes moved":          {token: token, binding: method.Binding{Browser: "browsers", Session: "ession"}},
		"no browser":           {token: token, binding: method.Binding{Session: "session"}},
		"other session":        {token: token, binding: method.Binding{Browser: "browser", Session: "session-2"}},
		"no session":           {token: token, binding: method.Binding{Browser: "browser"}},
		"endless cookie":       {token: token, binding: method.Binding{Browser: strings.Repeat("b", 4096), Session: "session"}},
		"other provider":       {token: token, provider: "github"},
		"no provider":          {token: token, provider: "-"},
		"expired to the tick":  {token: token, at: stateTime.Add(stateLife)},
		"long expired":         {token: token, at: stateTime.Add(time.Hour)},
		"other key":            {states: other, token: token},
		"missing":              {token: ""},
		"garbage":              {token: "garbage!"},
		"standard base64":      {token: base64.StdEncoding.EncodeToString(raw)},
		"short":                {token: token[:20]},
		"cut":                  {token: token[:len(token)-4]},
		"longer":               {token: token + "AAAA"},
		"huge":                 {token: strings.Repeat("A", 1<<20)},
		"line break inside":    {token: token[:9] + "\n" + token[9:]},
		"line break at end":    {token: token + "\r\n"},
		"version":              {token: flipped(0)},
		"expiry":               {token: flipped(8)},
		"random":               {token: flipped(12)},
		"length of a name":     {token: flipped(25)},
		"provider in token":    {token: flipped(27)},
		"return_to in token":   {token: flipped(len(raw) - 34)},
		"MAC":                  {token: flipped(len(raw) - 1)},
		"a name past the end":  {token: base64.RawURLEncoding.EncodeToString(append(append([]byte{1}, make([]byte, 24)...), append([]byte{255}, make([]byte, 40)...)...))},
		"zero names, zero MAC": {token: base64.RawURLEncoding.EncodeToString(append([]byte{1}, make([]byte, 80)...))},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.states == nil {
				c.states = newStates()
			}
			if c.provider == "" {
				c.provider = "google"
			}
			if c.binding == (method.Binding{}) {
				c.binding = b
			}
			if c.at.IsZero() {
				c.at = stateTime
			}
			got, err := c.states.Open(c.token, c.provider, c.binding, c.at)
			wantCode(t, err, identity.CodeInvalidState)
			if got != (method.State{}) {
				t.Errorf("a refused state told %+v", got)
			}
			if _, again := newStates().Open("", "google", b, stateTime); err.Error() != again.Error() {
				t.Errorf("the answer %q differs from %q", err, again)
			}
		})
	}
}

// A second spelling would have a second hash, and so be redeemed a second time.
func TestStateHasOneSpelling(t *testing.T) {
	t.Parallel()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	b := method.Binding{Browser: "browser"}
	token := issue(t, identity.PurposeSignIn, b)
	accepted := 0
	for _, last := range alphabet {
		if _, err := newStates().Open(token[:len(token)-1]+string(last), "google", b, stateTime); err == nil {
			accepted++
		}
	}
	if accepted != 1 {
		t.Errorf("%d spellings of the last character are accepted, want 1", accepted)
	}
}

func TestSignInStateSurvivesTheEndOfASession(t *testing.T) {
	t.Parallel()
	token := issue(t, identity.PurposeSignIn, method.Binding{Browser: "browser", Session: "session"})
	if _, err := newStates().Open(token, "google", method.Binding{Browser: "browser"}, stateTime); err != nil {
		t.Error(err)
	}
}

func TestStateIsNotIssued(t *testing.T) {
	t.Parallel()
	b := method.Binding{Browser: "browser", Session: "session"}
	cases := map[string]struct {
		state   method.State
		binding method.Binding
		code    identity.Code
	}{
		"no browser":          {method.State{Provider: "google", Purpose: "sign_in"}, method.Binding{}, identity.CodeInvalidState},
		"link, no session":    {method.State{Provider: "google", Purpose: "link"}, method.Binding{Browser: "b"}, identity.CodeInvalidState},
		"step up, no session": {method.State{Provider: "google", Purpose: "step_up"}, method.Binding{Browser: "b"}, identity.CodeInvalidState},
		"unknown purpose":     {method.State{Provider: "google", Purpose: "admin"}, b, identity.CodeInvalidState},
		"no purpose":          {method.State{Provider: "google"}, b, identity.CodeInvalidState},
		"no provider":         {method.State{Purpose: "sign_in"}, b, identity.CodeInvalidState},
		"long return_to": {
			method.State{Provider: "google", Purpose: "sign_in", ReturnTo: "/" + strings.Repeat("a", 4000)}, b, identity.CodeInvalidReturnTo,
		},
	}
	for name, c := range cases {
		_, err := newStates().Issue(c.state, c.binding, stateTime)
		if identity.ErrorCode(err) != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
	}
}

func TestStatesDiffer(t *testing.T) {
	t.Parallel()
	b := method.Binding{Browser: "browser"}
	seen := map[string]bool{}
	for range 100 {
		token := issue(t, identity.PurposeSignIn, b)
		flow := newStates().Flow(token, b.Browser, callbackURL)
		for _, s := range []string{token, flow.Nonce, flow.Verifier} {
			if seen[s] {
				t.Fatal("a state, nonce or verifier came twice")
			}
			seen[s] = true
		}
	}
}

func TestFlowIsBoundToBrowserAndKey(t *testing.T) {
	t.Parallel()
	token := issue(t, identity.PurposeSignIn, method.Binding{Browser: "browser"})
	flow := newStates().Flow(token, "browser", callbackURL)
	if again := newStates().Flow(token, "browser", callbackURL); again != flow {
		t.Error("another replica with the same key derives another flow")
	}
	if flow.State != token || flow.RedirectURL != callbackURL {
		t.Errorf("flow is %+v", flow)
	}
	if len(flow.Verifier) < 43 || len(flow.Verifier) > 128 || strings.ContainsAny(flow.Verifier, "+/=") {
		t.Errorf("verifier %q is not of RFC 7636 section 4.1", flow.Verifier)
	}
	foreign := method.NewStates(identity.DeriveKey("another", "oauth state"), stateLife)
	for name, other := range map[string]method.Flow{
		"browser": newStates().Flow(token, "another", callbackURL),
		"key":     foreign.Flow(token, "browser", callbackURL),
		"token":   newStates().Flow(token+"A", "browser", callbackURL),
	} {
		if other.Verifier == flow.Verifier || other.Nonce == flow.Nonce {
			t.Errorf("another %s derives the same secrets", name)
		}
	}
}

func FuzzStateOpen(f *testing.F) {
	b := method.Binding{Browser: "browser"}
	token, _ := newStates().Issue(method.State{Provider: "google", Purpose: identity.PurposeSignIn}, b, stateTime)
	f.Add(token)
	f.Add("")
	f.Fuzz(func(t *testing.T, mutated string) {
		if _, err := newStates().Open(mutated, "google", b, stateTime); err == nil && mutated == "" {
			t.Error("the empty state is accepted")
		}
	})
}

const callbackURL = "http://localhost:8080/v1/auth/test/callback"

func wantCode(t *testing.T, err error, codes ...identity.Code) {
	t.Helper()
	if got := identity.ErrorCode(err); !slices.Contains(codes, got) {
		t.Fatalf("got %q (%v), want one of %q", got, err, codes)
	}
}
