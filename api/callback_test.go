package api_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/providertest"
)

// The back button asks for a callback once more. It leads on while the session
// that it made is the one in hand, and is passed on as an error to return_to otherwise.
func TestCallbackOnceMore(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := apptest.Person{Name: "Ada", Email: "ada@gmail.com"}
		again := func(t *testing.T, b *apptest.Browser, callback, want string) {
			t.Helper()
			a.Unchanged(t, func() {
				session := b.Cookie("latchkey")
				if to := b.In(t).Callback(callback); to.String() != want {
					t.Errorf("led to %s, want %s", to, want)
				}
				if b.Cookie("latchkey") != session {
					t.Error("the session in hand has changed")
				}
			})
		}
		begin := func(t *testing.T) (*apptest.Browser, string) {
			b := a.Browser().In(t)
			callback := b.Authorize("google", "sign_in", ada)
			b.Callback(callback)
			return b, callback
		}
		const leads, refused = "/account", "/account?error=invalid_state"

		t.Run("signed in by it", func(t *testing.T) {
			b, callback := begin(t)
			again(t, b, callback, leads)
			again(t, b, callback, leads)
		})
		t.Run("signed out since", func(t *testing.T) {
			b, callback := begin(t)
			b.DELETE("/v1/session").Want(http.StatusNoContent)
			again(t, b, callback, refused)
		})
		t.Run("ended elsewhere", func(t *testing.T) {
			b, callback := begin(t)
			other := google(t, a, ada)
			other.DELETE("/v1/me/sessions?others=true").Want(http.StatusNoContent)
			again(t, b, callback, refused)
		})
		t.Run("signed in as someone else since", func(t *testing.T) {
			b, callback := begin(t)
			b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
			again(t, b, callback, refused)
		})
		t.Run("without the browser's receipt", func(t *testing.T) {
			b, callback := begin(t)
			b.SetCookie("latchkey-completed", "made up")
			again(t, b, callback, refused)
		})
		t.Run("with the receipt of another round trip", func(t *testing.T) {
			b, callback := begin(t)
			b.Provider("google", "step_up", ada)
			again(t, b, callback, refused)
		})
		t.Run("of a step-up and of a link", func(t *testing.T) {
			b, _ := begin(t)
			for _, c := range [][2]string{{"google", "step_up"}, {"github", "link"}} {
				callback := b.Authorize(c[0], c[1], ada)
				b.Callback(callback)
				again(t, b, callback, leads)
			}
		})
		t.Run("of a refusal", func(t *testing.T) {
			b, _ := begin(t)
			callback := b.Authorize("google", "step_up", apptest.Person{Name: "Eve", Email: "eve@gmail.com"})
			if to := b.Callback(callback); to.Query().Get("error") != "identity_mismatch" {
				t.Fatalf("led to %s", to)
			}
			again(t, b, callback, refused)
		})
		t.Run("in another browser", func(t *testing.T) {
			_, callback := begin(t)
			a.Unchanged(t, func() {
				a.Browser().In(t).GET(callback).WantProblem(http.StatusBadRequest, "invalid_state")
			})
		})
		t.Run("after the state has expired", func(t *testing.T) {
			b, callback := begin(t)
			a.Advance(11 * time.Minute)
			b.GET("/v1/session").Want(http.StatusOK) // notes when it was seen
			a.Unchanged(t, func() { b.In(t).GET(callback).WantProblem(http.StatusBadRequest, "invalid_state") })
		})
	})
}

// Another application hears every end of a round trip at its own page.
func TestEveryEndIsToldAtReturnTo(t *testing.T) {
	t.Parallel()
	up := providertest.NewUpstream(t)
	a := apptest.SQLite(t, append(up.Env(), "LATCHKEY_ALLOWED_ORIGINS="+appOrigin)...)
	begin := func(b *apptest.Browser) string {
		return b.GET("/v1/auth/google/start?return_to=" + url.QueryEscape(appOrigin+"/in?a=1#b")).Want(http.StatusFound).Header.Get("Location")
	}
	for name, c := range map[string]struct {
		callback func(authorize string) string
		broken   http.HandlerFunc
		code     string
	}{
		"cancelled": {func(to string) string {
			return bent(t, bent(t, up.Google(to, gmail("ada")), "code", ""), "error", "access_denied")
		}, nil, "access_denied"},
		"no code":           {func(to string) string { return bent(t, up.Google(to, gmail("ada")), "code", "") }, nil, "invalid_proof"},
		"a wrong code":      {func(to string) string { return bent(t, up.Google(to, gmail("ada")), "code", "x") }, nil, "invalid_proof"},
		"a provider's busy": {func(to string) string { return up.Google(to, gmail("ada")) }, hangUp, "provider_unavailable"},
		"a provider's page": {func(to string) string { return up.Google(to, gmail("ada")) }, answerWith(200, "text/html", "<p>"), "provider_failed"},
	} {
		t.Run(name, func(t *testing.T) {
			b := a.Browser().In(t)
			callback := c.callback(begin(b))
			up.Break("/token", c.broken)
			defer up.Break("/token", nil)
			to := b.Callback(callback)
			q := to.Query()
			if to.Host != "app.example.com" || to.Path != "/in" || to.Fragment != "b" || q.Get("a") != "1" || q.Get("error") != c.code {
				t.Errorf("led to %s, want %s", to, c.code)
			}
			if b.Cookie("latchkey") != "" || b.Cookie("latchkey-completed") != "" {
				t.Error("and gave a session or a receipt")
			}
		})
	}
}
