package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/providertest"
)

// foreignPage is what a browser says of a navigation that another site began.
func foreignPage(b *apptest.Browser) *apptest.Browser {
	return b.With("Sec-Fetch-Site", "cross-site").With("Sec-Fetch-Mode", "navigate").With("Sec-Fetch-Dest", "document")
}

// What acts on the signed-in user begins by a POST of one of our pages.
func TestLinkAndStepUpBeginByPost(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, "LATCHKEY_ALLOWED_ORIGINS="+appOrigin)
	b := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	for _, purpose := range []string{"link", "step_up"} {
		body := map[string]any{"purpose": purpose, "return_to": "/account"}
		a.Unchanged(t, func() {
			for _, from := range []*apptest.Browser{b, foreignPage(b), a.Browser()} {
				answer := from.GET("/v1/auth/github/start?purpose="+purpose).WantProblem(http.StatusMethodNotAllowed, "begin_by_post")
				if answer.Header.Get("Allow") != "POST" || answer.Header.Get("Location") != "" || len(answer.Header.Values("Set-Cookie")) > 0 {
					t.Errorf("%s: %v", purpose, answer.Header)
				}
			}
			b.With("Origin", "https://evil.example").POST("/v1/auth/github/start", body).WantProblem(http.StatusForbidden, "origin_not_allowed")
			b.With("Origin", "null").POST("/v1/auth/github/start", body).WantProblem(http.StatusForbidden, "origin_not_allowed")
			foreignPage(b).POST("/v1/auth/github/start", body).WantProblem(http.StatusForbidden, "origin_not_allowed")
			a.Browser().POST("/v1/auth/github/start", body).WantProblem(http.StatusUnauthorized, "unauthenticated")
			form := b.With("Content-Type", "application/x-www-form-urlencoded")
			form.Do("POST", "/v1/auth/github/start", strings.NewReader("purpose="+purpose)).Want(http.StatusUnsupportedMediaType)
			b.POST("/v1/auth/github/start", map[string]any{"purpose": purpose, "return_to": "https://evil.example"}).
				WantProblem(http.StatusBadRequest, "invalid_return_to")
			b.POST("/v1/auth/nobody/start", body).WantProblem(http.StatusNotFound, "provider_not_configured")
			b.POST("/v1/auth/github/start", map[string]any{"purpose": purpose, "login_hint": "a\nb"}).WantProblem(http.StatusBadRequest, "invalid_request")
		})
		for _, from := range []string{"", a.URL, appOrigin} {
			fresh := a.Browser()
			fresh.SetCookie("latchkey", b.Cookie("latchkey"))
			to := fresh.With("Origin", from).POST("/v1/auth/github/start", body).Want(http.StatusOK).String("url")
			if !strings.HasPrefix(to, a.URL+"/dev/github/") || fresh.Cookie("latchkey-flow") == "" {
				t.Errorf("%s from %q leads to %s", purpose, from, to)
			}
		}
	}
}

// Signing in begins by a plain link. While somebody is signed in, a page of
// another site gets no further than a question.
func TestForeignPageDoesNotReplaceASession(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	start := "/v1/auth/google/start?return_to=" + url.QueryEscape("/sign-in?return_to=%2Fteams%2Fa&done=google")
	b := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	a.Unchanged(t, func() {
		answer := foreignPage(b).GET(start).Want(http.StatusFound)
		if got, want := answer.Header.Get("Location"), "/sign-in?confirm=google&return_to=%2Fteams%2Fa"; got != want {
			t.Errorf("led to %s, want %s", got, want)
		}
	})
	for what, answer := range map[string]*apptest.Answer{
		"no user is signed in": foreignPage(a.Browser()).GET(start),
		"a page of ours":       b.With("Sec-Fetch-Site", "same-origin").GET(start),
		"a typed address":      b.With("Sec-Fetch-Site", "none").GET(start),
		"a session that ended": func() *apptest.Answer {
			gone := google(t, a, apptest.Person{Name: "Bob", Email: "bob@gmail.com"})
			token := gone.Cookie("latchkey")
			gone.DELETE("/v1/session").Want(http.StatusNoContent)
			gone.SetCookie("latchkey", token)
			return foreignPage(gone).GET(start)
		}(),
	} {
		if to := answer.Want(http.StatusFound).Header.Get("Location"); !strings.HasPrefix(to, a.URL+"/dev/google/authorize?") {
			t.Errorf("%s: led to %s", what, to)
		}
	}
}

// The provider is asked for what the purpose needs, and a step-up that it
// answered from an old session does nothing.
func TestStepUpBySessionAtTheProviderIsRefused(t *testing.T) {
	t.Parallel()
	up := providertest.NewUpstream(t)
	a := apptest.SQLite(t, up.Env()...)
	b := a.Browser()
	ada := gmail("ada")
	b.Callback(up.Google(b.Start("google", "sign_in"), ada))
	begin := func(purpose string) string {
		return b.POST("/v1/auth/google/start", map[string]any{"purpose": purpose, "return_to": "/account", "login_hint": "ada@gmail.com"}).Want(http.StatusOK).String("url")
	}
	if to := begin("link"); param(t, to, "prompt") != "select_account" || param(t, to, "login_hint") != "ada@gmail.com" {
		t.Errorf("link: %s", to)
	}
	a.Advance(time.Hour)
	stale := a.Now().Unix()
	b.GET("/v1/me")
	a.Advance(5 * time.Minute)
	to := begin("step_up")
	if param(t, to, "max_age") != "0" {
		t.Errorf("step_up: %s", to)
	}
	before := b.GET("/v1/session").String("session.authenticated_at")
	ada["auth_time"], ada["iat"], ada["exp"] = stale, a.Now().Unix(), a.Now().Unix()+600
	if got := b.Callback(up.Google(to, ada)); got.Query().Get("error") != "proof_too_old" {
		t.Errorf("a session of the provider led to %s", got)
	}
	if got := b.GET("/v1/session").String("session.authenticated_at"); got != before {
		t.Error("and made the session recently verified")
	}
	ada["auth_time"] = a.Now().Unix()
	if got := b.Callback(up.Google(begin("step_up"), ada)); got.String() != "/account" {
		t.Errorf("a new sign-in led to %s", got)
	}
	if got := b.GET("/v1/session").String("session.authenticated_at"); got == before {
		t.Error("and verified nothing")
	}
}
