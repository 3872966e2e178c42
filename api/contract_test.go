package api_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/latchkey/latchkey/api"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

func loadSpecification(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.Specification())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestMain fails a whole run in which an operation of the specification, or one
// of its success answers, was never seen: a new one needs a test.
func TestMain(m *testing.M) {
	code := m.Run()
	filtered := false
	for _, name := range []string{"run", "skip", "list", "fuzz", "bench"} {
		if f := flag.Lookup("test." + name); f != nil && f.Value.String() != "" {
			filtered = true
		}
	}
	if code == 0 && !filtered {
		missing, err := apptest.Unanswered()
		if err != nil || len(missing) > 0 {
			fmt.Fprintf(os.Stderr, "no test has seen these succeed: %q %v\n", missing, err)
			code = 1
		}
	}
	os.Exit(code)
}

// TestWalkThroughTheAPI uses the calls as an application would.
func TestWalkThroughTheAPI(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		guest := a.Browser()
		for _, path := range []string{"/healthz", "/readyz", "/v1/auth/providers"} {
			guest.GET(path).Want(http.StatusOK)
		}
		c := newCrew(t, a, "Keys")
		w := apptest.NewWallet(t)
		c.owner.Wallet(w, "link").Want(http.StatusOK)
		c.owner.GET("/v1/session").Want(http.StatusOK)
		c.owner.PATCH("/v1/me", map[string]any{
			"display_name": "Olga", "avatar_url": "https://pictures.example/o.png", "metadata": map[string]any{"a": []int{1}}, "onboarded": true,
		}).Want(http.StatusOK)
		identities := c.owner.GET("/v1/me/identities").Want(http.StatusOK)
		c.owner.DELETE("/v1/me/identities/" + identities.String("data.1.id")).Want(http.StatusNoContent)

		other := google(t, a, apptest.Person{Email: "keys.owner@gmail.com"}).GET("/v1/session").String("session.id")
		c.owner.GET("/v1/me/sessions").Want(http.StatusOK)
		c.owner.DELETE("/v1/me/sessions/" + other).Want(http.StatusNoContent)
		c.owner.DELETE("/v1/me/sessions?others=true").Want(http.StatusNoContent)

		c.owner.GET("/v1/teams").Want(http.StatusOK)
		c.owner.GET(c.path).Want(http.StatusOK)
		c.owner.PATCH(c.path, map[string]any{"name": "Locks"}).Want(http.StatusOK)
		entered := c.member.POST(c.path+"/sessions", nil).Want(http.StatusCreated).String("id")
		c.member.POST(c.path+"/sessions", nil).Want(http.StatusOK)
		c.owner.GET(c.path + "/sessions").Want(http.StatusOK)
		c.owner.DELETE(c.path + "/sessions/" + entered).Want(http.StatusNoContent)
		c.owner.GET(c.path + "/members").Want(http.StatusOK)
		c.owner.PATCH(c.path+"/members/"+c.ids["member"], map[string]any{"role": "admin"}).Want(http.StatusOK)
		c.owner.DELETE(c.path + "/members/" + c.ids["member"]).Want(http.StatusNoContent)
		revoked := c.invite("nobody@gmail.com", "member")
		c.owner.GET(c.path + "/invitations").Want(http.StatusOK)
		c.owner.DELETE(c.path + "/invitations/" + revoked).Want(http.StatusNoContent)
		declined := c.invite("keys.member@gmail.com", "member")
		c.member.GET("/v1/me/invitations").Want(http.StatusOK)
		c.member.POST("/v1/me/invitations/"+declined+"/decline", nil).Want(http.StatusNoContent)

		grantOperator(t, a, c.ids["owner"])
		c.owner.GET("/v1/admin/users").Want(http.StatusOK)
		c.owner.GET("/v1/admin/users/" + c.ids["member"]).Want(http.StatusOK)
		c.owner.GET("/v1/admin/sessions").Want(http.StatusOK)
		twin := a.Browser().Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK).String("user.id")
		merge := map[string]any{"user_ids": []string{c.ids["member"], twin}, "dry_run": true}
		merge["fingerprint"] = c.owner.POST("/v1/admin/merges", merge).Want(http.StatusOK).String("fingerprint")
		merge["dry_run"] = false
		merged := c.owner.POST("/v1/admin/merges", merge).Want(http.StatusOK).String("id")
		c.owner.GET("/v1/admin/merges").Want(http.StatusOK)
		c.owner.POST("/v1/admin/merges/"+merged+"/undo", nil).Want(http.StatusOK)
		c.owner.DELETE(c.path).Want(http.StatusNoContent)
		c.owner.DELETE("/v1/session").Want(http.StatusNoContent)
	})
}

// Every list gives each row once, in pages.
func TestPagesGiveEveryRowOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		grantOperator(t, a, me(b))
		for range 4 {
			b.Wallet(apptest.NewWallet(t), "link").Want(http.StatusOK)
			google(t, a, apptest.Person{Email: "ada@gmail.com"})
			b.POST("/v1/teams", map[string]any{"name": "T"}).Want(http.StatusCreated)
			a.Browser().Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		}
		for path, want := range map[string]int{
			"/v1/me/identities": 5, "/v1/me/sessions": 5, "/v1/teams": 4, "/v1/admin/users": 5, "/v1/admin/sessions": 9,
		} {
			for _, limit := range []string{"1", "2", "3", "100"} {
				seen, cursor := map[string]bool{}, ""
				for range 20 {
					page := b.GET(path + "?limit=" + limit + cursor).Want(http.StatusOK)
					for _, row := range page.Get("data").([]any) {
						id := row.(map[string]any)["id"].(string)
						if seen[id] {
							t.Errorf("%s by %s: %s twice", path, limit, id)
						}
						seen[id] = true
					}
					next := page.String("next_cursor")
					if next == "" {
						break
					}
					cursor = "&cursor=" + next
				}
				if len(seen) != want {
					t.Errorf("%s by %s: %d rows, want %d", path, limit, len(seen), want)
				}
			}
		}
	})
}

// Every kind of answer has the headers that browsers need.
func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, "LATCHKEY_ALLOWED_ORIGINS="+appOrigin)
	b := a.Browser()
	b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	html := b.With("Accept", "text/html")
	preflight := b.With("Origin", appOrigin).With("Access-Control-Request-Method", "PATCH")
	for what, answer := range map[string]*apptest.Answer{
		"success":       b.GET("/v1/me").Want(200),
		"no content":    a.Browser().With("Cookie", "latchkey="+b.Cookie("latchkey")).DELETE("/v1/me/sessions?others=true").Want(204),
		"redirect":      b.GET("/v1/auth/google/start").Want(302),
		"malformed":     b.POST("/v1/teams", map[string]any{}).Want(400),
		"no session":    a.Browser().GET("/v1/me").Want(401),
		"cross-site":    b.With("Origin", "https://evil.example").POST("/v1/teams", map[string]any{}).Want(403),
		"no such call":  b.GET("/v1/nothing").Want(404),
		"no such verb":  b.Do("PUT", "/v1/me", nil).Want(405),
		"too large":     b.Do("POST", "/v1/teams", strings.NewReader(strings.Repeat("a", 70<<10))).Want(413),
		"media type":    b.With("Content-Type", "text/plain").POST("/v1/teams", map[string]any{}).Want(415),
		"problem page":  html.GET("/v1/auth/google/callback").Want(400),
		"preflight":     preflight.Do(http.MethodOptions, "/v1/me", nil),
		"health":        b.GET("/healthz").Want(200),
		"contract":      b.GET("/openapi.yaml").Want(200),
		"app":           html.GET("/"),
		"app elsewhere": html.GET("/account"),
		"consent":       html.GET("/consent?request=x"),
		"sign-out":      html.GET("/sign-out"),
		"app by POST":   b.POST("/account", map[string]any{}),
		"no such file":  b.GET("/assets/none.js"),
	} {
		h := answer.Header
		policy := h.Get("Content-Security-Policy")
		for name, ok := range map[string]bool{
			"X-Content-Type-Options": h.Get("X-Content-Type-Options") == "nosniff",
			"X-Frame-Options":        h.Get("X-Frame-Options") == "DENY",
			"Referrer-Policy":        h.Get("Referrer-Policy") == "no-referrer",
			"CSP, nothing by default": strings.HasPrefix(policy, "default-src 'none'") && strings.Contains(policy, "frame-ancestors 'none'") &&
				strings.Contains(policy, "base-uri 'none'"),
			"CSP, no foreign or inline script": !strings.Contains(policy, "unsafe-eval") && !strings.Contains(policy, "script-src 'self' 'unsafe-inline'") && !strings.Contains(policy, "script-src *"),
			"one policy":                       len(h.Values("Content-Security-Policy")) == 1,
			"no version of anything":           h.Get("Server") == "" && h.Get("X-Powered-By") == "",
		} {
			if !ok {
				t.Errorf("%s (%d): %s: %v", what, answer.Status, name, h)
			}
		}
	}
	for _, path := range []string{"/v1/me", "/v1/session", "/v1/nothing"} {
		if got := b.GET(path).Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
	}
}
