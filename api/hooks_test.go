package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// consulted is an application with hooks. It denies those whom it does not know.
type consulted struct {
	url, secret string

	mu     sync.Mutex
	known  map[string]bool // subjects and ids of users
	bodies []map[string]any
}

func consult(t *testing.T) *consulted {
	t.Helper()
	c := &consulted{secret: "whsec_" + base64.StdEncoding.EncodeToString([]byte("a secret of thirty-two characters")), known: map[string]bool{}}
	verifier, err := webhooks.NewWebhook(c.secret)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		if err := verifier.VerifyIgnoringTimestamp(raw, r.Header); err != nil {
			t.Error(err)
		}
		var body map[string]any
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.bodies = append(c.bodies, body)
		if r.URL.Path == "/token" {
			_, _ = io.WriteString(w, `{"claims": {"plan": "pro"}}`)
			return
		}
		proof := body["attempt"].(map[string]any)["proof"].(map[string]any)
		if c.known[proof["subject"].(string)] {
			_, _ = io.WriteString(w, `{"allow": true, "display_name": "Named by the application"}`)
			return
		}
		_, _ = io.WriteString(w, `{"allow": false, "code": "not_a_customer", "message": "Buy first."}`)
	}))
	t.Cleanup(s.Close)
	c.url = s.URL
	return c
}

func (c *consulted) env() []string {
	var out []string
	for name, path := range map[string]string{"SIGN_IN": "/sign-in", "USER_CREATE": "/create", "TOKEN": "/token"} {
		out = append(out, "LATCHKEY_HOOK_"+name+"_URL="+c.url+path, "LATCHKEY_HOOK_"+name+"_SECRET="+c.secret)
	}
	return append(out, "LATCHKEY_HOOK_ALLOWED_HOSTS="+strings.TrimPrefix(c.url, "http://"))
}

func TestHooksOfTheApplication(t *testing.T) {
	app := consult(t)
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		w, b := apptest.NewWallet(t), a.Browser()
		refused := b.Wallet(w, "sign_in").WantProblem(http.StatusForbidden, "denied_by_app")
		if refused.String("app_code") != "not_a_customer" || refused.String("detail") != "Buy first." {
			t.Errorf("refused: %v, %v", refused.Get("app_code"), refused.Get("detail"))
		}
		b.GET("/v1/session").Want(http.StatusUnauthorized)
		if to := b.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"}); to.Query().Get("error") != "denied_by_app" {
			t.Errorf("by a provider: %s", to)
		}

		app.mu.Lock()
		app.known["eip155:"+w.Address.Hex()] = true
		app.mu.Unlock()
		in := b.Wallet(w, "sign_in").Want(http.StatusOK)
		if name := in.String("user.display_name"); name != "Named by the application" {
			t.Errorf("the new user is called %q", name)
		}
		b.Wallet(w, "sign_in").Want(http.StatusOK)
		token := b.POST("/v1/token", map[string]any{}).Want(http.StatusOK).String("access_token")
		claims, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
		if err != nil || !strings.Contains(string(claims), `"app":{"plan":"pro"}`) {
			t.Errorf("claims %s, %v", claims, err)
		}
	}, app.env()...)
}

// Operators, and keys that read as they do, see how the hooks do. Others do not.
func TestStatusOfHooks(t *testing.T) {
	app := consult(t)
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		stranger, b := a.Browser(), a.Browser()
		stranger.GET("/v1/admin/hooks").WantProblem(http.StatusUnauthorized, "unauthenticated")
		w := apptest.NewWallet(t)
		b.Wallet(w, "sign_in").WantProblem(http.StatusForbidden, "denied_by_app")
		app.mu.Lock()
		app.known["eip155:"+w.Address.Hex()] = true
		app.mu.Unlock()
		b.Wallet(w, "sign_in").Want(http.StatusOK)
		b.GET("/v1/admin/hooks").WantProblem(http.StatusForbidden, "operator_required")
		grantOperator(t, a, me(b))

		got := b.GET("/v1/admin/hooks").Want(http.StatusOK)
		for i, want := range []struct {
			kind, onFailure string
			requests        float64
		}{{"sign_in.before", "deny", 2}, {"user.before_create", "deny", 1}, {"token.before", "allow", 0}} {
			at := fmt.Sprintf("data.%d.", i)
			if got.String(at+"type") != want.kind || got.String(at+"on_failure") != want.onFailure || got.String(at+"origin") != app.url ||
				got.Get(at+"requests") != want.requests || got.Get(at+"failed") != 0.0 || got.Len(at+"failures") != 0 || got.Len(at+"secret_fingerprints") != 1 {
				t.Errorf("%s: %v", want.kind, got.Get("data"))
			}
			if (got.Get(at+"last_answered_at") != nil) != (want.requests > 0) {
				t.Errorf("%s: last answered at %v", want.kind, got.Get(at+"last_answered_at"))
			}
		}
	}, app.env()...)
}

// A service without hooks says so.
func TestStatusWithoutHooks(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		grantOperator(t, a, me(b))
		got := b.GET("/v1/admin/hooks").Want(http.StatusOK)
		for i := range 3 {
			if at := fmt.Sprintf("data.%d.", i); got.Get(at+"origin") != nil || got.String(at+"on_failure") != "" {
				t.Errorf("%v", got.Get("data"))
			}
		}
	})
}
