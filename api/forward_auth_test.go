package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

const (
	browserSays = "text/html,application/xhtml+xml"
	trustPeers  = "LATCHKEY_TRUSTED_PROXIES=127.0.0.0/8,::1/128"
)

// asked asks about a request as Caddy and Traefik do.
func asked(b *apptest.Browser, query, proto, host, uri string) *apptest.Answer {
	b.T.Helper()
	return b.With("X-Forwarded-Method", "GET").With("X-Forwarded-Proto", proto).With("X-Forwarded-Host", host).With("X-Forwarded-Uri", uri).
		GET("/v1/forward-auth" + query)
}

// wantAuthHeaders asserts all four headers, each exactly once.
func wantAuthHeaders(t *testing.T, what string, a *apptest.Answer, user, email, team, role string) {
	t.Helper()
	for name, want := range map[string]string{"User": user, "Email": email, "Team": team, "Role": role} {
		if got := a.Header.Values("X-Auth-Request-" + name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: X-Auth-Request-%s is %q, want %q (status %d)", what, name, got, want, a.Status)
		}
	}
	if a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: Cache-Control is %q", what, a.Header.Get("Cache-Control"))
	}
}

func TestForwardAuth(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Forward")
		team := strings.TrimPrefix(c.path, "/v1/teams/")
		id := c.ids["member"]
		public, err := url.Parse(a.URL)
		if err != nil {
			t.Fatal(err)
		}
		host := public.Hostname() + ":9" // an allowed origin, which the cookie reaches

		// Whatever a client sends itself is not in the answer.
		spoofed := a.Browser().With("X-Auth-Request-User", id).With("X-Auth-Request-Role", "owner").With("Accept", "*/*")
		for what, got := range map[string]*apptest.Answer{
			"signed out":       asked(spoofed, "", "http", host, "/"),
			"a bad bearer":     spoofed.With("Authorization", "Bearer x").GET("/v1/forward-auth"),
			"basic":            spoofed.With("Authorization", "Basic eDp5").GET("/v1/forward-auth"),
			"a bad parameter":  spoofed.GET("/v1/forward-auth?team=x"),
			"one too many":     spoofed.GET("/v1/forward-auth?teams=x"),
			"a role, no team":  spoofed.GET("/v1/forward-auth?role=admin"),
			"HEAD":             spoofed.Do(http.MethodHead, "/v1/forward-auth", nil),
			"in no team":       c.member.GET("/v1/forward-auth?team=" + team),
			"a team of others": c.member.GET("/v1/forward-auth?team=018f4e0a-5b1c-7d3e-9a2b-3c4d5e6f7a8b"),
		} {
			if got.Status < 400 {
				t.Errorf("%s: passes with %d", what, got.Status)
			}
			wantAuthHeaders(t, what, got, "", "", "", "")
		}
		// An answered preflight would let a request pass.
		pre := spoofed.With("Origin", "http://"+host).With("Access-Control-Request-Method", "GET")
		if got := pre.Do(http.MethodOptions, "/v1/forward-auth", nil); got.Status < 400 {
			t.Errorf("OPTIONS passes with %d", got.Status)
		}

		passes := func(what, query, inTeam, role string) {
			t.Helper()
			got := asked(c.member.With("X-Auth-Request-User", "someone else"), query, "http", host, "/").Want(http.StatusOK)
			wantAuthHeaders(t, what, got, id, "forward.member@gmail.com", inTeam, role)
			if len(got.Body) != 0 {
				t.Errorf("%s: a body: %s", what, got.Body)
			}
		}
		passes("signed in", "", "", "")
		c.member.POST(c.path+"/sessions", nil).Want(http.StatusCreated)
		passes("in the team", "?team="+team, team, "member")
		passes("as a member", "?team="+team+"&role=member", team, "member")
		passes("in the team, not asked", "", team, "member")
		asked(c.member, "?team="+team+"&role=admin", "http", host, "/").WantProblem(http.StatusForbidden, "forbidden")
		c.owner.PATCH(c.path+"/members/"+id, object{"role": "admin"}).Want(http.StatusOK)
		passes("as an admin", "?team="+team+"&role=admin", team, "admin")
		asked(c.member, "?team="+team+"&role=owner", "http", host, "/").WantProblem(http.StatusForbidden, "forbidden")
		wantAuthHeaders(t, "a wallet", asked(func() *apptest.Browser {
			b := a.Browser()
			b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
			id = me(b)
			return b
		}(), "", "http", host, "/").Want(http.StatusOK), id, "", "", "")
		id = c.ids["member"]
		c.owner.DELETE(c.path + "/members/" + c.ids["admin"]).Want(http.StatusNoContent)
		asked(c.admin, "?team="+team, "http", host, "/").WantProblem(http.StatusForbidden, "team_session_required")
		c.owner.Do(http.MethodPut, c.path+"/policy", object{"allowed_networks": []string{"192.0.2.0/24"}}).Want(http.StatusOK)
		refused := asked(c.member, "?team="+team, "http", host, "/")
		refused.WantProblem(http.StatusForbidden, "policy_unsatisfied")
		wantAuthHeaders(t, "policy", refused, "", "", "", "")

		// A navigation is sent to sign-in, and only to where it may return.
		b := a.Browser().With("Accept", browserSays)
		got := asked(b, "", "http", host, "/a?b=c&d=%2F")
		if to := got.Want(http.StatusFound).Header.Get("Location"); param(t, to, "return_to") != "http://"+host+"/a?b=c&d=%2F" || !strings.HasPrefix(to, a.URL+"/sign-in?") {
			t.Errorf("redirected to %s", to)
		}
		wantAuthHeaders(t, "redirect", got, "", "", "", "")
		for what, got := range map[string]*apptest.Answer{
			"another origin":     asked(b, "", "https", "evil.example", "/"),
			"userinfo":           asked(b, "", "http", host+"@evil.example", "/"),
			"another scheme":     asked(b, "", "https", host, "/"),
			"no path":            asked(b, "", "http", host, ""),
			"a host in the path": asked(b, "", "http", host, "@evil.example/"),
			"out of reach":       asked(b, "", "http", "app.example.org", "/"),
			"a POST":             b.With("X-Forwarded-Method", "POST").With("X-Forwarded-Proto", "http").With("X-Forwarded-Host", host).With("X-Forwarded-Uri", "/").GET("/v1/forward-auth"),
			"a fetch":            asked(b.With("Sec-Fetch-Mode", "cors"), "", "http", host, "/"),
			"not a page":         asked(a.Browser().With("Accept", "application/json"), "", "http", host, "/"),
			"nothing forwarded":  b.GET("/v1/forward-auth"),
		} {
			if got.Status != http.StatusUnauthorized || got.Header.Get("Location") != "" || got.Header.Get("X-Auth-Request-Redirect") != "" {
				t.Errorf("%s: %d, to %q", what, got.Status, got.Header.Get("Location"))
			}
		}
		// nginx knows 401 and 403 only, and sends the browser on itself.
		original := b.With("X-Original-Url", "http://"+host+"/a?b=c").With("X-Original-Method", "GET").GET("/v1/forward-auth")
		if to := original.Want(http.StatusUnauthorized).Header.Get("X-Auth-Request-Redirect"); param(t, to, "return_to") != "http://"+host+"/a?b=c" {
			t.Errorf("nginx is sent %q", to)
		}
		for _, bad := range []string{"https://evil.example/", "/a", "//evil.example"} {
			if got := asked(b.With("X-Original-Url", bad), "", "http", host, "/"); got.Status != http.StatusUnauthorized || got.Header.Get("X-Auth-Request-Redirect") != "" {
				t.Errorf("X-Original-URL %q: %d, %q", bad, got.Status, got.Header.Get("X-Auth-Request-Redirect"))
			}
		}
	}, trustPeers, "LATCHKEY_ALLOWED_ORIGINS=http://127.0.0.1:9,http://localhost:9,http://app.example.org")
}

// Who is not a proxy says nothing of where a request was meant for.
func TestForwardedAddressOfStrangers(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, "LATCHKEY_ALLOWED_ORIGINS=http://127.0.0.1:9,http://localhost:9")
	public, err := url.Parse(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	got := asked(a.Browser().With("Accept", browserSays), "", "http", public.Hostname()+":9", "/")
	if got.Status != http.StatusUnauthorized {
		t.Errorf("a stranger's X-Forwarded-Host is believed: %d, to %s", got.Status, got.Header.Get("Location"))
	}
}
