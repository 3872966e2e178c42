package api_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// An application that describes itself is anybody's. Until a person has agreed to it, no
// address of this service leads to it: not by a request that is refused, and not silently
// (RFC 9700, section 4.11.2).
func TestUnknownApplicationsLeadNobodyOn(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	g := newAgent(t, a)
	mallory, ada := google(t, a, apptest.Person{Name: "Mallory", Email: "mallory@gmail.com"}), google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	team := ada.POST("/v1/teams", object{"name": "Lab"}).Want(http.StatusCreated).String("id")
	g.allow(mallory, g.request()) // it is known by now, to its owner
	refused := map[string]string{
		"no response_type": g.request("response_type", ""), "token": g.request("response_type", "token"), "no PKCE": g.request("code_challenge", ""),
		"no scope that it may have": g.request("scope", "admin"), "a resource": g.request("resource", "https://api.example.com"), "two prompts": g.request("prompt", "none login"),
		"a hint": g.request("id_token_hint", "x"), "a team": g.request("team", "x"), "silently": g.request("prompt", "none"), "silently in a team": g.request("prompt", "none", "team", team),
	}
	for name, path := range refused {
		for who, b := range map[string]*apptest.Browser{"somebody who never agreed": ada, "nobody": a.Browser()} {
			got := b.GET(path)
			if to := got.Header.Get("Location"); to != "" && !strings.HasPrefix(to, "/sign-in?") {
				t.Errorf("%s, %s: leads to %s", name, who, to)
			} else if to == "" && got.Status != http.StatusBadRequest {
				t.Errorf("%s, %s: %d %s", name, who, got.Status, got.Body)
			}
		}
	}
	// They see what is wrong, and go on to it once they have agreed.
	ada.GET(g.request("response_type", "token")).WantProblem(http.StatusBadRequest, "invalid_request")
	g.allow(ada, g.request())
	delete(refused, "silently in a team") // to which they have not agreed
	for name, path := range refused {
		if to := g.follow(ada, path); !strings.HasPrefix(to.String(), g.oauth.RedirectURL+"?") || to.Query().Get("error") == "" {
			t.Errorf("%s: leads to %s", name, to)
		}
	}
}

// Nothing that a stranger can ask for is kept: neither requests, nor codes, tokens and
// secrets that are made up.
func TestFloodsKeepNothing(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	o, asks, tv := register(t, a), register(t, a, untrusted), television(t, a)
	sealed, _ := o.code(ada)
	refresh := o.signIn(ada).RefreshToken
	a.Unchanged(t, func() {
		for range 20 {
			o.code(ada)
			asks.consent(ada, asks.request())
			if to := o.follow(a.Browser(), o.request()); to.Path != "/sign-in" {
				t.Fatalf("%s", to)
			}
			for _, made := range []string{"x", strings.Repeat("A", 4000), sealed[:len(sealed)-8] + "AAAAAAAA", strings.ToLower(sealed)} {
				wantOAuth(t, o.exchange(t, made, strings.Repeat("v", 43)), http.StatusBadRequest, "invalid_grant", "invalid_grant")
				wantOAuth(t, o.refresh(t, made), http.StatusBadRequest, "invalid_grant", "invalid_grant")
				wantOAuth(t, tv.poll(t, made), http.StatusBadRequest, "invalid_grant", "invalid_grant")
				o.revoke(t, made).Want(http.StatusOK)
				o.userinfo(t, made).Want(http.StatusUnauthorized)
				wantOAuth(t, o.token(t, "client_secret", made), http.StatusBadRequest, "invalid_request", "invalid_request")
				wantOAuth(t, o.exchange(t, sealed, strings.Repeat("v", 43), "client_secret", made), http.StatusUnauthorized, "invalid_client", "invalid_client")
			}
		}
	})
	o.refresh(t, refresh).Want(http.StatusOK)
}

// Codes, tokens and secrets of applications are neither kept nor logged.
func TestSecretsOfApplicationsAreNotKept(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		o := register(t, a, untrusted)
		asked := o.consent(ada, o.request("scope", "openid profile email"))
		on := o.decide(ada, asked, "allow").Want(http.StatusOK).String("url")
		code, verifier := o.code(ada)
		got := o.exchange(t, code, verifier).Want(http.StatusOK)
		next := o.refresh(t, got.String("refresh_token")).Want(http.StatusOK)
		o.introspect(t, next.String("access_token"))
		o.userinfo(t, next.String("access_token")).Want(http.StatusOK)
		ada.GET("/oauth2/logout?id_token_hint=" + got.String("id_token")).Want(http.StatusFound)
		wantOAuth(t, o.exchange(t, code, verifier), http.StatusBadRequest, "invalid_grant", "invalid_grant")
		secrets := map[string]string{
			"code": code, "verifier": verifier, "request": asked, "continuation": strings.TrimPrefix(on, "/oauth2/authorize?continue="), "client secret": o.Secret,
			"access token": got.String("access_token"), "refresh token": got.String("refresh_token"), "next refresh token": next.String("refresh_token"), "ID token": got.String("id_token"),
		}
		tables := a.Snapshot()
		for name, secret := range secrets {
			if len(secret) < 20 {
				t.Fatalf("the %s is %q: the test proves nothing", name, secret)
			}
			for table, rows := range tables {
				if slices.ContainsFunc(rows, func(row string) bool { return strings.Contains(row, secret) }) {
					t.Errorf("the %s is in %s", name, table)
				}
			}
			if strings.Contains(a.Log.String(), secret) || strings.Contains(a.Log.String(), url.QueryEscape(secret)) {
				t.Errorf("the %s is in the log", name)
			}
		}
	})
}

// What a page could frame, cache, keep in its history or pass on as a Referer, it cannot:
// neither the pages that ask a person, nor what leads to them and on.
func TestAnswersToBrowsersStayOurs(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	o, asks := register(t, a), register(t, a, untrusted)
	asked := asks.consent(ada, asks.request())
	id, _ := o.signIn(ada).Extra("id_token").(string)
	for path, status := range map[string]int{
		"/consent?request=" + asked: 0, "/device": 0, "/sign-out": 0, "/sign-in": 0, "/account/apps": 0, // pages, where they were built in
		o.request(): http.StatusFound, asks.request(): http.StatusFound, o.request("response_type", "token"): http.StatusFound, o.request("client_id", "x"): http.StatusBadRequest,
		"/oauth2/logout": http.StatusFound, "/oauth2/logout?id_token_hint=x": http.StatusBadRequest, "/v1/consent?request=" + asked: http.StatusOK,
		"/oauth2/logout?post_logout_redirect_uri=https://evil.example": http.StatusBadRequest, "/oauth2/logout?id_token_hint=" + id + "&client_id=x": http.StatusBadRequest,
	} {
		for _, b := range []*apptest.Browser{ada, ada.With("Accept", "text/html"), ada.With("Sec-Fetch-Dest", "iframe")} {
			got := b.GET(path)
			h := got.Header
			if status != 0 && got.Status != status {
				t.Errorf("%s: %d", path, got.Status)
			}
			if h.Get("X-Frame-Options") != "DENY" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || !strings.Contains(h.Get("Content-Security-Policy"), "base-uri 'none'") ||
				h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cross-Origin-Opener-Policy") != "same-origin" || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %v", path, h)
			}
			if status != 0 && h.Get("Cache-Control") != "no-store" || h.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s: %v", path, h)
			}
		}
	}
	// A person reads why at the end of a logout, too.
	page := ada.With("Accept", "text/html").GET("/oauth2/logout?id_token_hint=x").Want(http.StatusBadRequest)
	if !strings.Contains(page.Header.Get("Content-Type"), "text/html") {
		t.Errorf("%v", page.Header)
	}
	// A posted request is repeated by GET, so that the form goes no further (RFC 9700,
	// section 4.12).
	for _, path := range []string{"/oauth2/authorize", "/oauth2/logout"} {
		if got := post(ada, path, url.Values{"client_id": {o.ID}, "state": {"s"}}); got.Status != http.StatusSeeOther {
			t.Errorf("%s: %d", path, got.Status)
		}
	}
}

// Who asks silently learns what OpenID Connect says, and nothing of accounts, teams or
// what a person has allowed others.
func TestSilentRequestsTellLittle(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	bob := google(t, a, apptest.Person{Name: "Bob", Email: "bob@gmail.com"})
	theirs := bob.POST("/v1/teams", object{"name": "Theirs"}).Want(http.StatusCreated).String("id")
	own := ada.POST("/v1/teams", object{"name": "Own"}).Want(http.StatusCreated).String("id")
	o, friend := register(t, a, untrusted), register(t, a, untrusted)
	friend.allow(ada, friend.request())
	hint, _ := register(t, a).signIn(bob).Extra("id_token").(string)
	answer := func(b *apptest.Browser, change ...string) string {
		t.Helper()
		to := o.follow(b, o.request(append([]string{"prompt", "none"}, change...)...))
		if !strings.HasPrefix(to.String(), redirectURI+"?") {
			t.Fatalf("leads to %s", to)
		}
		return to.RawQuery
	}
	for who, c := range map[string]struct {
		b    *apptest.Browser
		want string
	}{"signed in": {ada, "consent_required"}, "signed out": {a.Browser(), "login_required"}} {
		first := answer(c.b)
		if q, _ := url.ParseQuery(first); q.Get("error") != c.want {
			t.Errorf("%s: %s", who, first)
		}
		for name, change := range map[string][]string{
			"their own team": {"team", own}, "a team of others": {"team", theirs}, "no team": {"team", "01890a5d-ac96-774b-bcce-b302099a8057"}, "a scope": {"scope", "openid email wallets"},
			"an account": {"login_hint", "bob@gmail.com"}, "no account": {"login_hint", "nobody@gmail.com"}, "an old sign-in": {"max_age", "86400"},
		} {
			if got := answer(c.b, change...); got != first {
				t.Errorf("%s, %s: %s, but %s", who, name, got, first)
			}
		}
	}
	if got, _ := url.ParseQuery(answer(ada, "id_token_hint", hint)); got.Get("error") != "login_required" {
		t.Errorf("another's hint: %v", got)
	}
	// Without a prompt, the page to sign in is the same for each account that is named.
	for _, named := range []string{"bob@gmail.com", "nobody@gmail.com"} {
		if got := a.Browser().GET(o.request("login_hint", named)); got.Status != http.StatusFound || !strings.HasPrefix(got.Header.Get("Location"), "/sign-in?login_hint="+url.QueryEscape(named)+"&return_to=") {
			t.Errorf("%s: %d %s", named, got.Status, got.Header.Get("Location"))
		}
	}
}

// A code or a token of one server is worth nothing at another, and each answer says whose
// it is (RFC 9207).
func TestMixedUpServers(t *testing.T) {
	t.Parallel()
	a, other := apptest.SQLite(t), apptest.SQLite(t)
	o, there := register(t, a), register(t, other)
	ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	eve := google(t, other, apptest.Person{Name: "Eve", Email: "eve@gmail.com"})
	code, verifier := o.code(ada)
	got, foreign := o.signIn(ada), there.signIn(eve)
	wantOAuth(t, there.exchange(t, code, verifier), http.StatusBadRequest, "invalid_grant", "invalid_grant")
	wantOAuth(t, there.refresh(t, got.RefreshToken), http.StatusBadRequest, "invalid_grant", "invalid_grant")
	there.userinfo(t, got.AccessToken).Want(http.StatusUnauthorized)
	if there.introspect(t, got.AccessToken).Get("active") != false {
		t.Error("a token of another server is active")
	}
	hint, _ := foreign.Extra("id_token").(string)
	ada.GET("/oauth2/logout?id_token_hint="+hint).WantProblem(http.StatusBadRequest, "invalid_request")
	ada.GET("/v1/session").Want(http.StatusOK)
	for name, path := range map[string]string{"a code": o.request(), "a refusal": o.request("scope", "admin"), "silence": o.request("prompt", "none", "max_age", "0")} {
		if to := o.follow(ada, path); to.Query().Get("iss") != a.URL {
			t.Errorf("%s: %s", name, to)
		}
	}
	// It was used up by none of that.
	o.exchange(t, code, verifier).Want(http.StatusOK)
}

// Tokens travel in no address, and a proof that PKCE asks for cannot be left out or
// replaced on the way (RFC 9700, sections 4.3.2 and 4.8).
func TestNothingIsTakenFromAddresses(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	o := register(t, a)
	got := o.signIn(ada)
	b := a.Browser()
	b.GET("/oauth2/userinfo?access_token=" + got.AccessToken).Want(http.StatusBadRequest)
	post(b, "/oauth2/userinfo?access_token="+got.AccessToken, nil).Want(http.StatusBadRequest)
	post(b, "/oauth2/revoke?token="+got.RefreshToken, url.Values{"client_id": {o.ID}, "client_secret": {o.Secret}}).Want(http.StatusBadRequest)
	post(b, "/oauth2/introspect?token="+got.AccessToken, url.Values{"client_id": {o.ID}, "client_secret": {o.Secret}}).Want(http.StatusBadRequest)
	o.refresh(t, got.RefreshToken).Want(http.StatusOK)
	verifier := oauth2.GenerateVerifier()
	mine := oauth2.S256ChallengeFromVerifier(verifier)
	for name, path := range map[string]string{
		"left out": o.request("code_challenge", "", "code_challenge_method", ""), "the method left out": o.request("code_challenge", mine, "code_challenge_method", ""),
		"the method changed": o.request("code_challenge", verifier, "code_challenge_method", "plain"),
	} {
		if to := o.follow(ada, path); to.Query().Get("error") != "invalid_request" || to.Query().Get("code") != "" {
			t.Errorf("%s: %s", name, to)
		}
	}
	// A challenge of the attacker's own gives a code that the application cannot use.
	code := o.follow(ada, o.request("code_challenge", mine)).Query().Get("code")
	wantOAuth(t, o.exchange(t, code, verifierOfRFC7636), http.StatusBadRequest, "invalid_grant", "invalid_grant")
}

// What a person let applications do ends with a suspension and with the place in the
// team, and is asked for again.
func TestGrantsEndWithTheirGround(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c, op := newCrew(t, a, "Grants"), operator(t, a)
		o := register(t, a, untrusted)
		team := strings.TrimPrefix(c.path, "/v1/teams/")
		in := oauth2.SetAuthURLParam("team", team)
		o.allow(c.member, o.request("scope", "openid profile email"))
		o.allow(c.member, o.request("scope", "openid profile email", "team", team))
		o.allow(c.admin, o.request("scope", "openid profile email", "team", team))
		alone, together, adminsOwn := o.signIn(c.member), o.signIn(c.member, in), o.signIn(c.admin, in)
		code, verifier := o.code(c.member, in)
		c.owner.DELETE(c.path + "/members/" + c.ids["member"]).Want(http.StatusNoContent)
		if list := c.member.GET("/v1/me/grants").Want(http.StatusOK); list.Len("data") != 1 || list.Get("data.0.team_id") != nil {
			t.Errorf("%s", list.Body)
		}
		wantOAuth(t, o.exchange(t, code, verifier), http.StatusBadRequest, "invalid_grant", "invalid_grant")
		o.dead(t, "removed from the team", together.AccessToken, together.RefreshToken)
		o.userinfo(t, alone.AccessToken).Want(http.StatusOK)
		o.userinfo(t, adminsOwn.AccessToken).Want(http.StatusOK)

		for _, status := range []string{"disabled", "active"} {
			op.PATCH("/v1/admin/users/"+c.ids["member"], object{"status": status}).Want(http.StatusOK)
		}
		o.dead(t, "suspended", alone.AccessToken, alone.RefreshToken)
		if n := a.Count("client_grants", "user_id = '%s' AND revoked_at IS NULL", c.ids["member"]); n != 0 {
			t.Errorf("%d grants are left", n)
		}
		c.owner.DELETE(c.path).Want(http.StatusNoContent)
		o.dead(t, "the team was deleted", adminsOwn.AccessToken, adminsOwn.RefreshToken)
		if n := a.Count("client_grants", "team_id = '%s' AND revoked_at IS NULL", team); n != 0 {
			t.Errorf("%d grants of the team are left", n)
		}
	})
}

// A public application that knows a person's code or token still needs what they do not
// have: nothing of theirs works for another client.
func TestCodesOfPublicClientsAreBound(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	public := func(c *client.Client) { c.Kind, c.RedirectURIs = client.Public, client.Words{"com.example.app:/cb"} }
	app, evil := register(t, a, public), register(t, a, public)
	code, verifier := app.code(ada)
	wantOAuth(t, evil.exchange(t, code, verifier), http.StatusBadRequest, "invalid_grant", "invalid_grant")
	wantOAuth(t, app.exchange(t, code, oauth2.GenerateVerifier()), http.StatusBadRequest, "invalid_grant", "invalid_grant")
	got := app.exchange(t, code, verifier).Want(http.StatusOK)
	wantOAuth(t, evil.refresh(t, got.String("refresh_token")), http.StatusBadRequest, "invalid_grant", "invalid_grant")
	evil.revoke(t, got.String("refresh_token")).Want(http.StatusOK)
	app.refresh(t, got.String("refresh_token")).Want(http.StatusOK)
}
