package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" // of RFC 7636, appendix B

// request is the query of a good authorization request, changed: a value of "" takes a
// parameter out, and a name that begins with + adds one more.
func (o application) request(change ...string) string {
	q := url.Values{
		"client_id": {o.ID}, "redirect_uri": {o.oauth.RedirectURL}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(change); i += 2 {
		switch name, more := strings.CutPrefix(change[i], "+"); {
		case more:
			q.Add(name, change[i+1])
		case change[i+1] == "":
			q.Del(name)
		default:
			q.Set(name, change[i+1])
		}
	}
	return "/oauth2/authorize?" + q.Encode()
}

// Where the application cannot be answered safely the person sees why. It gets all other
// refusals in the redirect, with state and issuer.
func TestAuthorizationRequests(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	o := register(t, a)
	limited := register(t, a, func(c *client.Client) { c.Scopes, c.Grants = client.Words{"email"}, client.Words{client.GrantCode} })
	long := strings.Repeat("x", 1025)
	for name, c := range map[string]struct {
		path, refused string
	}{
		"good":                            {o.request(), ""},
		"no state":                        {o.request("state", ""), ""}, // Auth.js sends none
		"unknown parameters":              {o.request("emial", "x", "ui_locales", "de", "claims", "{}", "display", "page"), ""},
		"an unknown scope besides":        {o.request("scope", "openid groups"), ""},
		"query as response_mode":          {o.request("response_mode", "query"), ""},
		"no response_type":                {o.request("response_type", ""), "invalid_request"},
		"token":                           {o.request("response_type", "token"), "unsupported_response_type"},
		"hybrid":                          {o.request("response_type", "code id_token"), "unsupported_response_type"},
		"fragment":                        {o.request("response_mode", "fragment"), "invalid_request"},
		"no PKCE":                         {o.request("code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		"PKCE without its method":         {o.request("code_challenge_method", ""), "invalid_request"},
		"plain PKCE":                      {o.request("code_challenge_method", "plain"), "invalid_request"},
		"S256 in small letters":           {o.request("code_challenge_method", "s256"), "invalid_request"},
		"a short challenge":               {o.request("code_challenge", "abc"), "invalid_request"},
		"a challenge with padding":        {o.request("code_challenge", challenge+"="), "invalid_request"},
		"only unknown scopes":             {o.request("scope", "groups"), "invalid_scope"},
		"a scope that it may not have":    {limited.request("scope", "wallets"), "invalid_scope"},
		"offline without refresh":         {register(t, a, func(c *client.Client) { c.Grants = client.Words{client.GrantCode} }).request("scope", "openid offline_access"), "invalid_scope"},
		"a resource that it may not have": {o.request("resource", "https://api.example.com"), "invalid_target"},
		"a request object":                {o.request("request", "eyJ"), "request_not_supported"},
		"a request object elsewhere":      {o.request("request_uri", "https://evil.example"), "request_uri_not_supported"},
		"registration":                    {o.request("registration", "{}"), "registration_not_supported"},
		"an unknown prompt":               {o.request("prompt", "never"), "invalid_request"},
		"none with another prompt":        {o.request("prompt", "none login"), "invalid_request"},
		"max_age below 0":                 {o.request("max_age", "-1"), "invalid_request"},
		"max_age that is no number":       {o.request("max_age", "1e9"), "invalid_request"},
		"a long state":                    {o.request("state", long), "invalid_request"},
		"a long nonce":                    {o.request("nonce", long), "invalid_request"},
		"a state that is no text":         {o.request("state", "\xff"), "invalid_request"},
		"a team that is none":             {o.request("team", "x"), "invalid_request"},
		"a team of others":                {o.request("team", "01890a5d-ac96-774b-bcce-b302099a8057"), "access_denied"},
		"an id_token_hint that is none":   {o.request("id_token_hint", "x"), "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			to := o.follow(ada.In(t), c.path)
			q := to.Query()
			if !strings.HasPrefix(to.String(), redirectURI+"?") || q.Get("iss") != a.URL || q.Get("error") != c.refused || (q.Get("code") != "") != (c.refused == "") {
				t.Fatalf("%s", to)
			}
			if sent, _ := url.Parse(c.path); q.Get("state") != sent.Query().Get("state") && !strings.Contains(name, "state") {
				t.Errorf("state: %s", to)
			}
			if c.refused != "" && q.Get("error_description") == "" {
				t.Errorf("no reason: %s", to)
			}
		})
	}
	for name, path := range map[string]string{
		"no client":          o.request("client_id", ""),
		"an unknown client":  o.request("client_id", "x"),
		"two clients":        o.request("+client_id", "x"),
		"two redirect URIs":  o.request("+redirect_uri", redirectURI),
		"two states":         o.request("+state", "t"),
		"no redirect URI":    o.request("redirect_uri", ""),
		"nothing":            "/oauth2/authorize",
		"a made-up continue": "/oauth2/authorize?continue=abc",
	} {
		t.Run(name, func(t *testing.T) {
			if got := ada.In(t).GET(path).Want(http.StatusBadRequest); got.Header.Get("Location") != "" {
				t.Errorf("leads to %s", got.Header.Get("Location"))
			}
			page := ada.In(t).With("Accept", "text/html").GET(path).Want(http.StatusBadRequest)
			if !strings.Contains(page.Header.Get("Content-Type"), "text/html") || !strings.Contains(page.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
				t.Errorf("%v", page.Header)
			}
		})
	}
	posted := post(ada, "/oauth2/authorize", url.Values{"client_id": {o.ID}, "state": {"s"}}, "Origin", "https://app.example.net").Want(http.StatusSeeOther)
	if to := posted.Header.Get("Location"); to != "/oauth2/authorize?client_id="+o.ID+"&state=s" {
		t.Errorf("a posted request leads to %s", to)
	}
	two := url.Values{"client_id": {o.ID}, "resource": {"https://a.example", "https://b.example"}}
	if to := post(ada, "/oauth2/authorize", two).Want(http.StatusSeeOther).Header.Get("Location"); to != "/oauth2/authorize?"+two.Encode() {
		t.Errorf("two resources lead to %s", to)
	}
	post(ada, "/oauth2/authorize", url.Values{"client_id": {o.ID, o.ID}}).WantProblem(http.StatusBadRequest, "invalid_request")
}

// The answer goes to an address that is registered, byte for byte (RFC 9700, section
// 2.1), whatever readers of addresses make of it.
func TestRedirectURIs(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	web := register(t, a, func(c *client.Client) {
		c.RedirectURIs = client.Words{"https://app.example.net/callback", "https://app.example.net/cb?tenant=1"}
	})
	native := register(t, a, func(c *client.Client) {
		c.Kind = client.Public
		c.RedirectURIs = client.Words{"http://127.0.0.1/callback", "http://[::1]/callback", "com.example.app:/callback"}
	})
	for uri, o := range map[string]application{
		"https://app.example.net/callback":    web,
		"https://app.example.net/cb?tenant=1": web,
		"http://127.0.0.1/callback":           native,
		"http://127.0.0.1:49152/callback":     native,
		"http://[::1]:1/callback":             native,
		"com.example.app:/callback":           native,
	} {
		if to := o.follow(ada, o.request("redirect_uri", uri)); to.Query().Get("code") == "" || !strings.HasPrefix(to.String(), uri) {
			t.Errorf("%s: %s", uri, to)
		}
	}
	refused := []struct {
		application
		uri string
	}{}
	for _, uri := range []string{
		"http://app.example.net/callback", "https://app.example.net/callback/", "https://app.example.net/callback?", "https://app.example.net/callback#",
		"https://app.example.net/callback#x", "https://app.example.net/callback?x=1", "https://app.example.net/callback/../evil", "https://app.example.net/callback/%2e%2e/evil",
		"https://app.example.net//callback", "https://app.example.net/./callback", "https://app.example.net/Callback", "https://APP.example.net/callback",
		"HTTPS://app.example.net/callback", "https://app.example.net:443/callback", "https://app.example.net:8443/callback", "https://app.example.net./callback",
		"https://app.example.net.evil.example/callback", "https://evil.example/app.example.net/callback", "https://evil.example/https://app.example.net/callback",
		"https://app.example.net@evil.example/callback", "https://user@app.example.net/callback", "https://user:pass@app.example.net/callback",
		"https://evil.example#@app.example.net/callback", "https://evil.example?@app.example.net/callback", "https://evil.example\\@app.example.net/callback",
		"https://evil.example\\.app.example.net/callback", "https:/app.example.net/callback", "https:app.example.net/callback", "//app.example.net/callback", "/callback", "callback",
		"https://sub.app.example.net/callback", "https://example.net/callback", "https://app.example.net", "https://app.example.net/", "https://app.example.net/callback%00", "https://app.example.net/callback\x00",
		"https://app.example.net/callback\t", "https://app.example.net/callback%0d%0aSet-Cookie:x", "https://app.example.net/callback\r\nSet-Cookie: x", " https://app.example.net/callback", "https://app.example.net/callback ",
		"https://app.example.net/callbackevil", "https://app.example.net/%63allback", "https://app.example.net/cb?tenant=2", "https://app.example.net/cb?tenant=1&x=1", "https://app.example.net/cb",
		"https://xn--pp-uia.example.net/callback", "https://аpp.example.net/callback", "javascript:alert(1)//https://app.example.net/callback", "data:text/html,x", "https://app.example.net/callback;x", "https://*.example.net/callback", "*",
		"http://127.0.0.1/callback", "com.example.app:/callback",
	} {
		refused = append(refused, struct {
			application
			uri string
		}{web, uri})
	}
	for _, uri := range []string{
		"http://127.0.0.1:49152/", "http://127.0.0.1:49152/callback/x", "http://127.0.0.1:x/callback", "http://127.0.0.1:/callback?x", "https://127.0.0.1/callback", "http://127.0.0.2/callback", "http://0.0.0.0/callback",
		"http://localhost/callback", "http://127.1/callback", "http://2130706433/callback", "http://127.0.0.1.evil.example/callback", "http://127.0.0.1@evil.example/callback", "http://127.0.0.1:80@evil.example/callback", "http://user@127.0.0.1:1/callback",
		"http://[::1%25lo]/callback", "http://[::ffff:127.0.0.1]/callback", "com.example.app://callback", "com.example.app:callback", "com.example.app:/callback2", "COM.example.app:/callback", "com.example.evil:/callback",
	} {
		refused = append(refused, struct {
			application
			uri string
		}{native, uri})
	}
	if len(refused) < 60 {
		t.Fatalf("%d variants", len(refused))
	}
	for _, c := range refused {
		for _, b := range []*apptest.Browser{ada, a.Browser()} { // nor does it depend on who asks
			got := b.GET(c.request("redirect_uri", c.uri, "prompt", "none"))
			if got.Status != http.StatusBadRequest || got.Header.Get("Location") != "" || got.String("code") != "invalid_redirect_uri" {
				t.Errorf("%q: %d %s %s", c.uri, got.Status, got.Header.Get("Location"), got.Body)
			}
		}
	}
}

// The request goes on after the sign-in, by whatever method, and prompts are as OpenID
// Connect has them.
func TestPrompts(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		o := register(t, a)
		b := a.Browser()
		if to := o.follow(b, o.request("prompt", "none")); to.Query().Get("error") != "login_required" {
			t.Errorf("none: %s", to)
		}
		signIn := func(path string) string {
			t.Helper()
			to := o.follow(b, path)
			if to.Path != "/sign-in" || to.Host != "" || to.Query().Get("return_to") == "" {
				t.Fatalf("no sign-in: %s", to)
			}
			return to.Query().Get("return_to")
		}
		on := signIn(o.request("login_hint", "ada@gmail.com"))
		if again := signIn(on); again == "" { // no one is signed in yet
			t.Error("no sign-in")
		}
		// By a provider, as the page sends it: through the sign-in page.
		ada := apptest.Person{Name: "Ada", Email: "ada@gmail.com"}
		back := "/sign-in?" + url.Values{"return_to": {on}, "done": {"google"}}.Encode()
		start := b.GET("/v1/auth/google/start?" + url.Values{"purpose": {"sign_in"}, "return_to": {back}}.Encode()).Want(http.StatusFound)
		if to := b.Callback(b.AuthorizeAt(start.Header.Get("Location"), ada)); to.Query().Get("return_to") != on {
			t.Fatalf("%s", to)
		}
		if to := o.follow(b, on); to.Query().Get("code") == "" || to.Query().Get("state") != "s" {
			t.Fatalf("it does not go on: %s", to)
		}
		if to := o.follow(b, o.request("prompt", "none")); to.Query().Get("code") == "" {
			t.Errorf("none: %s", to)
		}
		hint, _ := o.signIn(b).Extra("id_token").(string)
		a.Advance(time.Minute)
		if to := o.follow(b, o.request("max_age", "59", "prompt", "none")); to.Query().Get("error") != "login_required" {
			t.Errorf("max_age: %s", to)
		}
		for name, request := range map[string]string{
			"login": o.request("prompt", "login"), "select_account": o.request("prompt", "select_account"), "max_age": o.request("max_age", "59"), "max_age=0": o.request("max_age", "0"),
		} {
			on := signIn(request)
			if again := signIn(on); again == "" {
				t.Errorf("%s: going back is not signing in", name)
			}
			b.Provider("google", "sign_in", ada)
			if to := o.follow(b, on); to.Query().Get("code") == "" {
				t.Errorf("%s: %s", name, to)
			}
			a.Advance(time.Minute)
		}
		if to := o.follow(b, o.request("max_age", "600", "prompt", "none")); to.Query().Get("code") == "" {
			t.Errorf("max_age: %s", to)
		}
		// A hint that has expired still names the person.
		a.Advance(time.Hour)
		if to := o.follow(b, o.request("id_token_hint", hint, "prompt", "none")); to.Query().Get("code") == "" {
			t.Errorf("their own hint: %s", to)
		}
		bob := google(t, a, apptest.Person{Name: "Bob", Email: "bob@gmail.com"})
		if to := o.follow(bob, o.request("id_token_hint", hint, "prompt", "none")); to.Query().Get("error") != "login_required" {
			t.Errorf("another's hint: %s", to)
		}
		// A request is on its way for an hour.
		late := signIn(o.request("prompt", "login"))
		a.Advance(time.Hour - time.Minute)
		b.Provider("google", "sign_in", ada)
		if to := o.follow(b, late); to.Query().Get("code") == "" {
			t.Errorf("within the hour: %s", to)
		}
		a.Advance(2 * time.Minute)
		b.GET(late).WantProblem(http.StatusBadRequest, "invalid_state")
		// A session that can only add a sign-in method is for nothing else.
		code := b.POST("/v1/me/recovery-codes", nil)
		if code.Status == http.StatusForbidden {
			b.Provider("google", "sign_in", ada)
			code = b.POST("/v1/me/recovery-codes", nil)
		}
		recovered := a.Browser()
		recovered.POST("/v1/auth/recovery", object{"code": code.Want(http.StatusCreated).String("codes.0")}).Want(http.StatusOK)
		if to := o.follow(recovered, o.request("prompt", "none")); to.Query().Get("error") != "interaction_required" {
			t.Errorf("recovered: %s", to)
		}
		recovered.GET(o.request()).WantProblem(http.StatusForbidden, "recovery_restricted")
	})
}
