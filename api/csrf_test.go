package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

var foreignOrigins = []string{
	"https://evil.example", "null", "http://localhost", "http://localhost:1", "file://", "https://app.example.com.evil.example",
	"http://app.example.com", "https://app.example.com:444", "https://APP.EXAMPLE.COM", "https://app.example.com/", "https://user@app.example.com",
	"https://app.example.com https://evil.example", "*", "chrome-extension://abc",
}

// A page of a foreign origin that sends the victim's cookie changes nothing,
// whatever form it gives its request.
func TestCrossSiteWritesAreRefused(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, "LATCHKEY_ALLOWED_ORIGINS="+appOrigin)
	victim := a.Browser()
	victim.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	team := victim.POST("/v1/teams", map[string]any{"name": "Keys"}).Want(http.StatusCreated).String("id")
	writes := []struct {
		method, path, body string
	}{
		{"POST", "/v1/teams", `{"name":"Evil"}`},
		{"PATCH", "/v1/me", `{"display_name":"Evil"}`},
		{"DELETE", "/v1/session", ""},
		{"DELETE", "/v1/me/sessions?others=true", ""},
		{"DELETE", "/v1/teams/" + team, ""},
		{"POST", "/v1/teams/" + team + "/sessions", ""},
		{"POST", "/v1/teams/" + team + "/invitations", `{"email":"eve@evil.example","role":"owner"}`},
		{"POST", "/v1/auth/siwe/challenge", `{"purpose":"link"}`},
	}
	send := func(b *apptest.Browser, method, path, body string) *apptest.Answer {
		if body == "" {
			return b.Do(method, path, nil)
		}
		return b.Do(method, path, strings.NewReader(body))
	}
	a.Unchanged(t, func() {
		for _, w := range writes {
			for _, origin := range foreignOrigins {
				for _, contentType := range []string{"application/json", "text/plain", "application/x-www-form-urlencoded"} {
					b := victim.With("Origin", origin).With("Content-Type", contentType)
					answer := send(b, w.method, w.path, w.body).WantProblem(http.StatusForbidden, "origin_not_allowed")
					if got := answer.Header.Get("Access-Control-Allow-Origin"); got != "" {
						t.Errorf("%s may read: %s", origin, got)
					}
					// A person may just be at another name of this host: say where to go.
					if !strings.Contains(answer.String("detail"), a.URL+",") {
						t.Errorf("the right address is not in %s", answer.Body)
					}
				}
			}
			for _, site := range []string{"cross-site", "same-site", "unknown"} {
				send(victim.With("Sec-Fetch-Site", site), w.method, w.path, w.body).WantProblem(http.StatusForbidden, "origin_not_allowed")
			}
		}
	})
	// Our own page, an allowed one, and a program without a browser's headers.
	for _, b := range []*apptest.Browser{
		victim.With("Origin", a.URL).With("Sec-Fetch-Site", "same-origin"), victim.With("Origin", appOrigin).With("Sec-Fetch-Site", "cross-site"), victim,
	} {
		b.PATCH("/v1/me", map[string]any{"display_name": "Fine"}).Want(http.StatusOK)
	}
}

// Behind a proxy that ends TLS every request looks alike to net/http; which
// page sent it, only Origin tells. The http page of our host is anybody who is on
// the way to it, and a sibling subdomain is same-site, so that SameSite lets its
// requests carry the cookie.
func TestOriginMustBeOursInSchemeHostAndPort(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, "LATCHKEY_PUBLIC_URL=https://id.example.com", "LATCHKEY_ALLOWED_ORIGINS="+appOrigin)
	victim := a.Browser()
	victim.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	a.Unchanged(t, func() {
		for _, origin := range []string{
			"http://id.example.com", "https://id.example.com:8443", "https://evil.example.com", "https://example.com", "https://x.id.example.com",
			"https://id.example.com.", "https://ID.example.com", "null",
		} {
			for _, site := range []string{"", "same-origin", "same-site", "none"} {
				b := victim.With("Origin", origin).With("Sec-Fetch-Site", site)
				b.PATCH("/v1/me", map[string]any{"display_name": "Evil"}).WantProblem(http.StatusForbidden, "origin_not_allowed")
				b.POST("/v1/auth/siwe/challenge", map[string]any{}).WantProblem(http.StatusForbidden, "origin_not_allowed")
			}
		}
		victim.With("Sec-Fetch-Site", "same-site").DELETE("/v1/session").WantProblem(http.StatusForbidden, "origin_not_allowed")
	})
	for _, origin := range []string{"https://id.example.com", appOrigin} {
		victim.With("Origin", origin).PATCH("/v1/me", map[string]any{"display_name": "Fine"}).Want(http.StatusOK)
	}
}

func TestStrictTransportSecurity(t *testing.T) {
	t.Parallel()
	const year, below = "max-age=31536000", "max-age=31536000; includeSubDomains"
	for _, c := range []struct{ publicURL, subdomains, want string }{
		{"https://id.example.com", "false", year},
		{"https://id.example.com:8443", "true", below},
		{"https://localhost", "true", ""},
		{"https://127.0.0.1:8443", "false", ""},
		{"http://localhost:8080", "true", ""},
	} {
		b := apptest.SQLite(t, "LATCHKEY_PUBLIC_URL="+c.publicURL, "LATCHKEY_HSTS_INCLUDE_SUBDOMAINS="+c.subdomains).Browser()
		for _, path := range []string{"/v1/me", "/healthz", "/nothing"} {
			if got := b.GET(path).Header.Get("Strict-Transport-Security"); got != c.want {
				t.Errorf("%s%s with %s: %q, want %q", c.publicURL, path, c.subdomains, got, c.want)
			}
		}
	}
}

func TestCORSIsForAllowedOriginsOnly(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, "LATCHKEY_ALLOWED_ORIGINS="+appOrigin)
	b := a.Browser()
	b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	if list := b.GET("/v1/auth/providers").Want(http.StatusOK); list.Len("return_origins") != 1 || list.String("return_origins.0") != appOrigin {
		t.Errorf("pages don't know where they may return to: %s", list.Body)
	}
	preflight := func(origin string) *apptest.Answer {
		return b.With("Origin", origin).With("Access-Control-Request-Method", "PATCH").With("Access-Control-Request-Headers", "content-type").Do(http.MethodOptions, "/v1/me", nil)
	}
	for _, origin := range foreignOrigins {
		for what, answer := range map[string]*apptest.Answer{
			"read": b.With("Origin", origin).GET("/v1/me"), "preflight": preflight(origin), "unknown path": b.With("Origin", origin).GET("/v1/x"),
		} {
			for name := range answer.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s by %s: %s: %s", what, origin, name, answer.Header.Get(name))
				}
			}
		}
	}
	for what, answer := range map[string]*apptest.Answer{
		"read": b.With("Origin", appOrigin).GET("/v1/me").Want(http.StatusOK), "preflight": preflight(appOrigin),
		"refusal": b.With("Origin", appOrigin).GET("/v1/admin/users").Want(http.StatusForbidden),
	} {
		h := answer.Header
		if h.Get("Access-Control-Allow-Origin") != appOrigin || h.Get("Access-Control-Allow-Credentials") != "true" || !strings.Contains(strings.Join(h.Values("Vary"), ","), "Origin") {
			t.Errorf("%s by the allowed origin: %v", what, h)
		}
	}
}
