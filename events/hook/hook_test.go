package hook_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/latchkey/latchkey/events/hook"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/linking"
)

var secrets = []string{
	"whsec_" + base64.StdEncoding.EncodeToString([]byte("the secret of the application, new")),
	"whsec_" + base64.StdEncoding.EncodeToString([]byte("the secret of the application, old")),
}

// application is one that answers with a body, and notes what it was sent.
func application(t *testing.T, answer http.HandlerFunc) (url string, asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

var discard = slog.New(slog.DiscardHandler)

func signIn(t *testing.T, targets hook.Targets, log *slog.Logger) linking.Hooks {
	t.Helper()
	h, err := hook.NewSignIn(targets, log, identity.SystemClock)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func at(url string, failOpen bool) hook.Target {
	return hook.Target{URL: url, Secrets: secrets, FailOpen: failOpen, Listed: true}
}

func attempt(action linking.Action) linking.Attempt {
	return linking.Attempt{
		Decision: linking.Decision{Action: action, Reason: linking.ReasonNewPerson, Inputs: "0123"},
		Proof: identity.Proof{
			Provider: identity.ProviderSIWE, Subject: "eip155:0xAb", Purpose: identity.PurposeSignIn, Email: "ada@example.com",
			Wallet: &identity.Wallet{Address: "0xAb", ChainID: 1, Kind: "eoa"}, Secret: &identity.SingleUse{Hash: []byte("the hash of a nonce")},
		},
		User:   &identity.User{ID: identity.NewID(), DisplayName: "Ada", Metadata: `{"private":"note"}`},
		Origin: identity.RequestOrigin{IP: "192.0.2.1", UserAgent: "agent"},
	}
}

// A request is one that the library verifies by either secret, and holds no secrets.
func TestRequest(t *testing.T) {
	t.Parallel()
	type sent struct {
		header http.Header
		body   []byte
	}
	got := make(chan sent, 1)
	url, _ := application(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- sent{r.Header, body}
		_, _ = io.WriteString(w, `{"allow": true}`)
	})
	a := attempt(linking.ActionSignIn)
	if answer, err := signIn(t, hook.Targets{SignIn: at(url, false)}, discard).Ask(t.Context(), a); err != nil || answer.Denied || answer.Unanswered {
		t.Fatalf("%+v, %v", answer, err)
	}
	request := <-got
	for _, secret := range secrets {
		w, err := webhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Verify(request.body, request.header); err != nil {
			t.Error(err)
		}
	}
	var body map[string]any
	if err := json.Unmarshal(request.body, &body); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"type": "sign_in.before",
		"attempt": map[string]any{
			"decision": "sign_in", "reason": "new_person", "purpose": "sign_in", "inputs": "0123",
			"proof": map[string]any{
				"provider": "siwe", "subject": "eip155:0xAb", "email": "ada@example.com", "email_verified": false, "display_name": "",
				"wallet": map[string]any{"address": "0xAb", "chain_id": 1.0, "kind": "eoa"},
			},
			"user": map[string]any{
				"id": a.User.ID.String(), "display_name": "Ada", "primary_email": nil, "onboarded_at": nil, "created_at": "0001-01-01T00:00:00Z",
			},
			"client": map[string]any{"ip": "192.0.2.1", "user_agent": "agent"},
		},
	}
	if g, w := fmt.Sprint(body), fmt.Sprint(want); g != w {
		t.Errorf("sent\n%s\nwant\n%s", g, w)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", hook.MaxBody)
	redirected, _ := application(t, says(`{"allow": true}`))
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   linking.Answer
		fails  bool
	}{
		"allow":                {answer: says(`{"allow": true}`)},
		"more than is known":   {answer: says(`{"allow": true, "later": 1}`)},
		"deny":                 {answer: says(`{"allow": false, "code": "not_a_customer", "message": "Buy first."}`), want: linking.Answer{Denied: true, Code: "not_a_customer", Message: "Buy first."}},
		"deny, without a word": {answer: says(`{"allow": false}`), want: linking.Answer{Denied: true}},
		"deny, with lines":     {answer: says(`{"allow": false, "code": "a b", "message": "a\nb\u202ec"}`), want: linking.Answer{Denied: true, Message: "a bc"}},
		"a name is not asked":  {answer: says(`{"allow": true, "display_name": "Mallory", "external_id": "1", "app_metadata": {"plan": "pro"}}`)},
		"nothing":              {answer: says(``), fails: true},
		"no object":            {answer: says(`true`), fails: true},
		"no allow":             {answer: says(`{}`), fails: true},
		"allow is null":        {answer: says(`{"allow": null}`), fails: true},
		"allow is text":        {answer: says(`{"allow": "true"}`), fails: true},
		"two values":           {answer: says(`{"allow": true}{"allow": false}`), fails: true},
		"HTML":                 {answer: says(`<html>`), fails: true},
		"too large":            {answer: says(`{"allow": true, "x": "` + long + `"}`), fails: true},
		"endless":              {answer: endless, fails: true},
		"an error": {answer: func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"allow": true}`, http.StatusInternalServerError)
		}, fails: true},
		"another success": {answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, fails: true},
		"a redirect": {answer: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, redirected, http.StatusTemporaryRedirect)
		}, fails: true},
		"a broken connection": {answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, fails: true},
		"a body that is cut":  {answer: cut, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, _ := application(t, c.answer)
			got, err := signIn(t, hook.Targets{SignIn: at(url, false)}, discard).Ask(t.Context(), attempt(linking.ActionCreate))
			if got != c.want || (err != nil) != c.fails {
				t.Errorf("closed: %+v, %v", got, err)
			}
			got, err = signIn(t, hook.Targets{SignIn: at(url, true)}, discard).Ask(t.Context(), attempt(linking.ActionCreate))
			if c.fails {
				c.want = linking.Answer{Unanswered: true}
			}
			if got != c.want || err != nil {
				t.Errorf("open: %+v, %v", got, err)
			}
		})
	}
}

func endless(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := io.WriteString(w, strings.Repeat(" ", 1<<12)); err != nil {
			return
		}
	}
}

func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, `{"allow": true}`)
}

// A connection that breaks is tried once more, and a hook that says nothing is
// waited for no longer than the deadline.
func TestRetryAndDeadline(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	url, asked := application(t, func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) == 1 {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, `{"allow": true}`)
	})
	if a, err := signIn(t, hook.Targets{SignIn: at(url, false)}, discard).Ask(t.Context(), attempt(linking.ActionSignIn)); err != nil || a.Denied || asked.Load() != 2 {
		t.Errorf("%+v, %v, asked %d times", a, err, asked.Load())
	}

	url, asked = application(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := signIn(t, hook.Targets{SignIn: at(url, false)}, discard).Ask(ctx, attempt(linking.ActionSignIn)); err == nil || asked.Load() != 1 {
		t.Errorf("%v, asked %d times", err, asked.Load())
	}
}

// A host that the operator has not listed must be public, whatever it resolves to.
func TestPrivateHostsAreNotAsked(t *testing.T) {
	t.Parallel()
	url, asked := application(t, says(`{"allow": true}`))
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]"} {
		target := at("http://"+host+":"+port, false)
		target.Listed = false
		if _, err := signIn(t, hook.Targets{SignIn: target}, discard).Ask(t.Context(), attempt(linking.ActionSignIn)); err == nil {
			t.Errorf("%s: answered", host)
		}
	}
	if asked.Load() != 0 {
		t.Errorf("asked %d times", asked.Load())
	}
}

func TestNewUsers(t *testing.T) {
	t.Parallel()
	before, beforeAsked := application(t, says(`{"allow": true, "display_name": "not from here", "external_id": "1", "app_metadata": {"plan": "pro"}}`))
	create, createAsked := application(t, says(`{"allow": true, "display_name": "Ada L.", "external_id": "customer-42", "app_metadata": {"plan": "pro"}}`))
	deny, _ := application(t, says(`{"allow": false, "code": "full"}`))

	only := signIn(t, hook.Targets{UserCreate: at(create, false)}, discard)
	if only.Asks(linking.ActionSignIn) || !only.Asks(linking.ActionCreate) {
		t.Error("a hook about new users is asked about others")
	}
	both := signIn(t, hook.Targets{SignIn: at(before, false), UserCreate: at(create, false)}, discard)
	if a, err := both.Ask(t.Context(), attempt(linking.ActionSignIn)); err != nil || a != (linking.Answer{}) || createAsked.Load() != 0 {
		t.Errorf("sign-in: %+v, %v", a, err)
	}
	if a, err := both.Ask(t.Context(), attempt(linking.ActionCreate)); err != nil || a.DisplayName == nil || *a.DisplayName != "Ada L." || a.ExternalID != "customer-42" || a.AppMetadata != `{"plan":"pro"}` || beforeAsked.Load() != 2 {
		t.Errorf("create: %+v, %v", a, err)
	}
	denied := signIn(t, hook.Targets{SignIn: at(deny, false), UserCreate: at(create, false)}, discard)
	asked := createAsked.Load()
	if a, err := denied.Ask(t.Context(), attempt(linking.ActionCreate)); err != nil || a.Code != "full" || createAsked.Load() != asked {
		t.Errorf("denied: %+v, %v", a, err)
	}
	for name, begins := range map[string]string{
		"a name of two lines":       `"display_name": "two\nlines"`,
		"an id of two lines":        `"external_id": "two\nlines"`,
		"an id that begins blank":   `"external_id": " 1"`,
		"an id that is too long":    `"external_id": "` + strings.Repeat("x", 256) + `"`,
		"an id that is a number":    `"external_id": 42`,
		"metadata that is a list":   `"app_metadata": [1]`,
		"metadata that is too deep": `"app_metadata": {"x": ` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `}`,
	} {
		url, _ := application(t, says(`{"allow": true, `+begins+`}`))
		if a, err := signIn(t, hook.Targets{UserCreate: at(url, false)}, discard).Ask(t.Context(), attempt(linking.ActionCreate)); err == nil {
			t.Errorf("%s is taken: %+v", name, a)
		}
	}
}

func TestTokenClaims(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer, want string
		fails        bool
	}{
		"claims":            {answer: `{"claims": {"plan": "pro", "n": [1, 2]}}`, want: `{"plan":"pro","n":[1,2]}`},
		"none":              {answer: `{"claims": {}}`},
		"no claims":         {answer: `{}`, fails: true},
		"null":              {answer: `{"claims": null}`, fails: true},
		"a list":            {answer: `{"claims": [1]}`, fails: true},
		"a reserved name":   {answer: `{"claims": {"role": "owner"}}`, fails: true},
		"another's subject": {answer: `{"claims": {"plan": "pro", "sub": "x"}}`, fails: true},
		"2 KB":              {answer: `{"claims": {"x": "` + strings.Repeat("x", 2040) + `"}}`, want: `{"x":"` + strings.Repeat("x", 2040) + `"}`},
		"more":              {answer: `{"claims": {"x": "` + strings.Repeat("x", 2041) + `"}}`, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, _ := application(t, says(c.answer))
			for _, open := range []bool{false, true} {
				h, err := hook.NewToken(hook.Targets{Token: at(url, open)}, discard, identity.SystemClock)
				if err != nil {
					t.Fatal(err)
				}
				got, err := h.AppClaims(t.Context(), token.ClaimQuestion{ClientID: "web"})
				if string(got) != c.want || (err != nil) != (c.fails && !open) {
					t.Errorf("open %v: %s, %v", open, got, err)
				}
				if err != nil && identity.ErrorCode(err) != identity.CodeUnavailable {
					t.Errorf("open %v: %v", open, err)
				}
			}
		})
	}
}

// What went wrong is logged without what was sent, and without the path, in which
// there may be a key.
func TestLogHoldsNothingPersonal(t *testing.T) {
	t.Parallel()
	url, _ := application(t, says(`{"allow": "ada@example.com"}`))
	var log strings.Builder
	h := signIn(t, hook.Targets{SignIn: at(url+"/key-in-the-path", false)}, slog.New(slog.NewTextHandler(&log, nil)))
	_, err := h.Ask(t.Context(), attempt(linking.ActionSignIn))
	for _, private := range []string{"ada@", "192.0.2.1", "key-in-the-path", "Ada", secrets[0]} {
		if err == nil || strings.Contains(log.String()+err.Error(), private) {
			t.Errorf("%q is in %s, %v", private, log.String(), err)
		}
	}
	gone := signIn(t, hook.Targets{SignIn: at("http://127.0.0.1:1/key-in-the-path", false)}, slog.New(slog.NewTextHandler(&log, nil)))
	if _, err := gone.Ask(t.Context(), attempt(linking.ActionSignIn)); err == nil || strings.Contains(log.String()+err.Error(), "key-in-the-path") {
		t.Errorf("%s, %v", log.String(), err)
	}
}
