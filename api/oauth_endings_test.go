package api_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// Whatever ends a person's access ends what applications have by it, at once, also
// where the application may go on without the browser.
func TestApplicationsEndWithTheirGround(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		op := operator(t, a)
		o := register(t, a)
		o.oauth.Scopes = append(o.oauth.Scopes, "offline_access")
		ends := map[string]struct {
			end   func(t *testing.T, b *apptest.Browser, got *oauth2.Token)
			lives bool
		}{
			"signed out": {func(_ *testing.T, b *apptest.Browser, _ *oauth2.Token) {
				b.DELETE("/v1/session").Want(http.StatusNoContent)
			}, true},
			"ended in the list": {func(t *testing.T, b *apptest.Browser, got *oauth2.Token) {
				b.DELETE("/v1/me/sessions/" + claims(t, b, got.AccessToken)["sid"].(string)).Want(http.StatusNoContent)
			}, false},
			"all others ended": {func(_ *testing.T, b *apptest.Browser, _ *oauth2.Token) {
				b.DELETE("/v1/me/sessions?others=true").Want(http.StatusNoContent)
			}, false},
			"suspended": {func(_ *testing.T, b *apptest.Browser, _ *oauth2.Token) {
				op.PATCH("/v1/admin/users/"+me(b), object{"status": "disabled"}).Want(http.StatusOK)
			}, false},
			"suspended and restored": {func(_ *testing.T, b *apptest.Browser, _ *oauth2.Token) {
				id := me(b)
				op.PATCH("/v1/admin/users/"+id, object{"status": "disabled"}).Want(http.StatusOK)
				op.PATCH("/v1/admin/users/"+id, object{"status": "active"}).Want(http.StatusOK)
			}, false},
			"merged": {func(t *testing.T, b *apptest.Browser, _ *oauth2.Token) {
				heir := google(t, a, apptest.Person{Name: "Heir", Email: "heir@gmail.com"})
				op.POST("/v1/admin/merges", object{"user_ids": []string{me(b), me(heir)}, "survivor_id": me(heir)}).Want(http.StatusOK)
			}, false},
			"unlinked": {func(t *testing.T, b *apptest.Browser, _ *oauth2.Token) {
				// The method that it was proven by, from another session of the person.
				w, other := apptest.NewWallet(t), a.Browser()
				b.Wallet(w, "link").Want(http.StatusOK)
				other.Wallet(w, "sign_in").Want(http.StatusOK)
				other.DELETE("/v1/me/identities/" + identityID(t, other, "google")).Want(http.StatusNoContent)
			}, false},
			"deleted": {func(_ *testing.T, b *apptest.Browser, _ *oauth2.Token) {
				b.DELETE("/v1/me").Want(http.StatusAccepted)
			}, false},
			"ended by an operator": {func(t *testing.T, b *apptest.Browser, got *oauth2.Token) {
				op.DELETE("/v1/admin/sessions/" + claims(t, b, got.AccessToken)["sid"].(string)).Want(http.StatusNoContent)
			}, false},
			"revoked by the application": {func(t *testing.T, _ *apptest.Browser, got *oauth2.Token) {
				o.revoke(t, got.RefreshToken).Want(http.StatusOK)
				o.revoke(t, got.RefreshToken).Want(http.StatusOK) // and once more
			}, false},
			"revoked by its access token": {func(t *testing.T, _ *apptest.Browser, got *oauth2.Token) {
				o.revoke(t, got.AccessToken).Want(http.StatusOK)
			}, false},
			"revoked by another application": {func(t *testing.T, _ *apptest.Browser, got *oauth2.Token) {
				other := register(t, a)
				other.revoke(t, got.RefreshToken).Want(http.StatusOK)
				other.revoke(t, got.AccessToken).Want(http.StatusOK)
				other.revoke(t, "x").Want(http.StatusOK)
				wantOAuth(t, other.revoke(t, ""), http.StatusBadRequest, "invalid_request", "invalid_request")
				other.Secret = "x"
				wantOAuth(t, other.revoke(t, got.RefreshToken), http.StatusUnauthorized, "invalid_client", "invalid_client")
			}, true},
		}
		for name, c := range ends {
			t.Run(name, func(t *testing.T) {
				b := google(t, a, apptest.Person{Name: "Ada", Email: "ada." + strings.ReplaceAll(name, " ", ".") + "@gmail.com"})
				got := o.signIn(b)
				c.end(t, b, got)
				if !c.lives {
					o.dead(t, name, got.AccessToken, got.RefreshToken)
					return
				}
				o.userinfo(t, got.AccessToken).Want(http.StatusOK)
				o.refresh(t, got.RefreshToken).Want(http.StatusOK)
			})
		}
		// Without offline_access it ends with the browser.
		o.oauth.Scopes = []string{"openid"}
		b := google(t, a, apptest.Person{Name: "Bob", Email: "bob@gmail.com"})
		got := o.signIn(b)
		b.DELETE("/v1/session").Want(http.StatusNoContent)
		o.dead(t, "signed out", got.AccessToken, got.RefreshToken)
	})
}

func (o application) revoke(t *testing.T, raw string) *apptest.Answer {
	t.Helper()
	return post(o.Browser().In(t), "/oauth2/revoke", url.Values{"client_id": {o.ID}, "client_secret": {o.Secret}, "token": {raw}})
}

// A sign-in to act in a team goes by its policy, and ends in the team's panel.
func TestApplicationInATeam(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		o := register(t, a)
		id := strings.TrimPrefix(c.path, "/v1/teams/")
		in := oauth2.SetAuthURLParam("team", id)
		got := o.signIn(c.member, in)
		_, claimed := o.idToken(t, got)
		if claimed["team"] != id || claimed["role"] != "member" {
			t.Errorf("%v", claimed)
		}
		if i := o.introspect(t, got.AccessToken); i.String("team") != id || i.String("role") != "member" {
			t.Errorf("%s", i.Body)
		}
		// The owner sees it, and ends it; the browser goes on.
		listed := c.owner.GET(c.path + "/sessions").Want(http.StatusOK)
		if listed.Len("data") != 1 || listed.String("data.0.kind") != "application" || listed.String("data.0.client.name") != "App" || listed.String("data.0.client.id") != o.ID {
			t.Errorf("%s", listed.Body)
		}
		c.owner.DELETE(c.path + "/sessions/" + listed.String("data.0.id")).Want(http.StatusNoContent)
		o.dead(t, "ended in the panel", got.AccessToken, got.RefreshToken)
		c.member.GET("/v1/session").Want(http.StatusOK)

		stranger := google(t, a, apptest.Person{Name: "Eve", Email: "eve@gmail.com"})
		if to := o.follow(stranger, o.request("team", id)); to.Query().Get("error") != "access_denied" {
			t.Errorf("a stranger: %s", to)
		}
		got = o.signIn(c.member, in)
		code, verifier := o.code(c.member, in)
		c.owner.PATCH(c.path+"/members/"+c.ids["member"], object{"role": "admin"}).Want(http.StatusOK)
		if _, claimed := o.idToken(t, o.token1(t, o.refresh(t, got.RefreshToken))); claimed["role"] != "admin" {
			t.Errorf("%v", claimed)
		}
		c.owner.DELETE(c.path + "/members/" + c.ids["member"]).Want(http.StatusNoContent)
		o.dead(t, "removed", got.AccessToken, "")
		wantOAuth(t, o.exchange(t, code, verifier), http.StatusBadRequest, "invalid_grant", "invalid_grant")

		// The policy counts before there is a code, and when it is exchanged.
		got = o.signIn(c.admin, in)
		code, verifier = o.code(c.admin, in)
		c.owner.Do(http.MethodPut, c.path+"/policy", object{"required_providers": []string{"siwe"}}).Want(http.StatusOK)
		if to := o.follow(c.admin, o.request("team", id)); to.Query().Get("error") != "access_denied" || to.Query().Get("code") != "" {
			t.Errorf("against the policy: %s", to)
		}
		wantOAuth(t, o.exchange(t, code, verifier), http.StatusBadRequest, "invalid_grant", "invalid_grant")
		o.dead(t, "the policy changed", got.AccessToken, "")
	})
}

// token1 reads an answer of the token endpoint as x/oauth2 does.
func (o application) token1(t *testing.T, a *apptest.Answer) *oauth2.Token {
	t.Helper()
	a.Want(http.StatusOK)
	got := &oauth2.Token{AccessToken: a.String("access_token"), RefreshToken: a.String("refresh_token")}
	return got.WithExtra(map[string]any{"id_token": a.String("id_token")})
}

// Networks are those of the browser, and of where a server says that the person is.
func TestNetworksOfAnApplication(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Net")
		o := register(t, a)
		in := oauth2.SetAuthURLParam("team", strings.TrimPrefix(c.path, "/v1/teams/"))
		c.owner.Do(http.MethodPut, c.path+"/policy", object{"allowed_networks": []string{"127.0.0.0/8", "::1/128"}}).Want(http.StatusOK)
		got := o.signIn(c.member, in)
		o.userinfo(t, got.AccessToken).Want(http.StatusOK)
		got = o.token1(t, o.refresh(t, got.RefreshToken)) // the server does not say
		wantOAuth(t, o.refresh(t, got.RefreshToken, "client_ip", "203.0.113.9"), http.StatusForbidden, "access_denied", "policy_unsatisfied")
		wantOAuth(t, o.refresh(t, got.RefreshToken, "client_ip", "203.0.113.9:4000"), http.StatusForbidden, "access_denied", "policy_unsatisfied")
		for _, ip := range []string{"127.0.0.1", "[::1]:4000", "::ffff:127.0.0.1", "unknown"} { // as proxies write them
			got = o.token1(t, o.refresh(t, got.RefreshToken, "client_ip", ip))
		}
		// A public client is on the person's device, whatever it says.
		phone := register(t, a, func(c *client.Client) { c.Kind, c.RedirectURIs = client.Public, client.Words{"com.example.app:/cb"} })
		mine := phone.signIn(c.member, in)
		phone.refresh(t, mine.RefreshToken, "client_ip", "203.0.113.9").Want(http.StatusOK)
	})
}

func TestPublicClients(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		native := register(t, a, func(c *client.Client) { c.Kind, c.RedirectURIs = client.Public, client.Words{"http://127.0.0.1/cb"} })
		if native.Secret != "" {
			t.Fatal("a public client has a secret")
		}
		native.oauth.RedirectURL = "http://127.0.0.1:49152/cb"
		got := native.signIn(ada)
		native.refresh(t, got.RefreshToken).Want(http.StatusOK)
		wantOAuth(t, native.refresh(t, got.RefreshToken, "client_secret", "x"), http.StatusUnauthorized, "invalid_client", "invalid_client")
		wantOAuth(t, post(a.Browser(), "/oauth2/introspect", url.Values{"client_id": {native.ID}, "token": {got.AccessToken}}), http.StatusBadRequest, "unauthorized_client", "unauthorized_client")
		// What was agreed to before is asked again where another app could be answered.
		spa := register(t, a, untrusted, func(c *client.Client) { c.Kind = client.Public })
		phone := register(t, a, untrusted, func(c *client.Client) { c.Kind, c.RedirectURIs = client.Public, client.Words{"com.example.app:/cb"} })
		for o, asks := range map[*application]bool{&spa: false, &phone: true} {
			if to := o.allow(ada, o.request()); to.Query().Get("code") == "" {
				t.Errorf("allowed: %s", to)
			}
			if to := o.follow(ada, o.request()); (to.Path == "/consent") != asks || (to.Query().Get("code") != "") == asks {
				t.Errorf("again: %s", to)
			}
			if to := o.follow(ada, o.request("prompt", "none")); (to.Query().Get("error") == "consent_required") != asks {
				t.Errorf("none: %s", to)
			}
		}
		// The port of the answer is the one that asked.
		code, verifier := native.code(ada)
		wantOAuth(t, native.exchange(t, code, verifier, "redirect_uri", "http://127.0.0.1:49153/cb"), http.StatusBadRequest, "invalid_grant", "invalid_grant")
	})
}

// ID tokens are signed as the client wants them, and access tokens as ever.
func TestAlgorithms(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		kids := map[string]bool{}
		for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
			o := register(t, a, func(c *client.Client) { c.IDTokenAlg = alg })
			got := o.signIn(ada)
			raw, _ := got.Extra("id_token").(string)
			o.idToken(t, got)
			header, _ := headerOf(raw)
			if !strings.Contains(string(header), `"alg":"`+alg+`"`) || !strings.Contains(string(header), `"typ":"JWT"`) {
				t.Errorf("%s: %s", alg, header)
			}
			var named struct{ Kid string }
			if err := json.Unmarshal(header, &named); err != nil || named.Kid == "" {
				t.Errorf("%s: %v", header, err)
			}
			kids[named.Kid] = true
			header, _ = headerOf(got.AccessToken)
			if !strings.Contains(string(header), `"alg":"EdDSA"`) || !strings.Contains(string(header), `"typ":"at+jwt"`) {
				t.Errorf("access token: %s", header)
			}
			// An ID token is no access token.
			if got := o.userinfo(t, raw); got.Status != http.StatusUnauthorized {
				t.Errorf("userinfo takes an ID token: %s", got.Body)
			}
		}
		if n := ada.GET("/.well-known/jwks.json").Len("keys"); n != 3 || len(kids) != 3 {
			t.Errorf("%d keys, %d used", n, len(kids))
		}
	})
}

// An ID token still names its person when its key is no longer published. What sweeps
// keys keeps them for 90 days more, see storage/signing_keys_test.go.
func TestHintsOfRetiredKeys(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		person := apptest.Person{Name: "Ada", Email: "ada@gmail.com"}
		ada := google(t, a, person)
		o := register(t, a)
		hint, _ := o.signIn(ada).Extra("id_token").(string)
		header, _ := headerOf(hint)
		var key struct{ Kid string }
		if err := json.Unmarshal(header, &key); err != nil {
			t.Fatal(err)
		}
		published := func() bool {
			return strings.Contains(string(a.Browser().GET("/.well-known/jwks.json").Want(http.StatusOK).Body), key.Kid)
		}
		if !published() {
			t.Fatal("the key is not published")
		}
		a.Advance(token.RotateEvery) // its successor is made, and signs
		ada = google(t, a, person)
		o.signIn(ada)
		a.Advance(time.Hour)
		o.signIn(ada)
		if published() {
			t.Error("the key is still published")
		}
		if to := o.follow(ada, o.request("id_token_hint", hint, "prompt", "none")); to.Query().Get("code") == "" {
			t.Errorf("their own: %s", to)
		}
		bob := google(t, a, apptest.Person{Name: "Bob", Email: "bob@gmail.com"})
		if to := o.follow(bob, o.request("id_token_hint", hint, "prompt", "none")); to.Query().Get("error") != "login_required" {
			t.Errorf("another's: %s", to)
		}
	})
}

// An access token is for one audience; userinfo is for this service's.
func TestResources(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		one, two := "https://api.example.com", "https://mcp.example.com/v1"
		clients := client.NewService(a.DB, client.Options{}, a.Now)
		for _, uri := range []string{one, two} {
			if _, err := clients.CreateResource(t.Context(), nil, client.Resource{URI: uri, Name: "API"}); err != nil {
				t.Fatal(err)
			}
		}
		o := register(t, a, func(c *client.Client) { c.Resources = client.Words{one, two} })
		api := register(t, a, func(c *client.Client) { c.Resources = client.Words{one} })
		audience := func(access string) any { return claims(t, ada, access)["aud"].([]any)[0] }
		to := o.follow(ada, o.request("resource", one, "+resource", two, "code_challenge", oauth2.S256ChallengeFromVerifier(strings.Repeat("v", 43))))
		got := o.exchange(t, to.Query().Get("code"), strings.Repeat("v", 43)).Want(http.StatusOK)
		if audience(got.String("access_token")) != one {
			t.Errorf("%v", audience(got.String("access_token")))
		}
		o.userinfo(t, got.String("access_token")).Want(http.StatusUnauthorized)
		next := o.refresh(t, got.String("refresh_token"), "resource", two).Want(http.StatusOK)
		if audience(next.String("access_token")) != two {
			t.Errorf("%v", audience(next.String("access_token")))
		}
		wantOAuth(t, o.refresh(t, next.String("refresh_token"), "resource", "https://evil.example"), http.StatusBadRequest, "invalid_target", "invalid_target")
		// As URL libraries write a bare host; the token is for the resource as it is registered.
		to = o.follow(ada, o.request("resource", one+"/", "code_challenge", oauth2.S256ChallengeFromVerifier(strings.Repeat("v", 43))))
		slash := o.exchange(t, to.Query().Get("code"), strings.Repeat("v", 43), "resource", one+"/").Want(http.StatusOK)
		if audience(slash.String("access_token")) != one {
			t.Errorf("%v", audience(slash.String("access_token")))
		}
		// The API introspects what is for it, and nothing else.
		if i := api.introspect(t, got.String("access_token")); i.Get("active") != true || i.String("aud") != one {
			t.Errorf("%s", i.Body)
		}
		if i := api.introspect(t, next.String("access_token")); i.Get("active") != false {
			t.Errorf("%s", i.Body)
		}
	})
}

// A team's API key is a client: its token names a machine.
func TestClientCredentials(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c, o := newCrew(t, a, "Bots"), register(t, a)
		made := c.owner.POST(c.path+"/api-keys", object{"name": "ci", "role": "admin"}).Want(http.StatusCreated)
		id, secret := made.String("key.id"), made.String("secret")
		ask := func(id, secret string, more ...string) *apptest.Answer {
			t.Helper()
			form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}
			for i := 0; i+1 < len(more); i += 2 {
				form.Set(more[i], more[i+1])
			}
			return post(a.Browser(), "/oauth2/token", form)
		}
		got := ask(id, secret).Want(http.StatusOK)
		said := claims(t, c.owner, got.String("access_token"))
		if said["sub"] != id || said["client_id"] != id || said["sid"] != nil || said["auth_time"] != nil || said["role"] != "admin" || said["team"] != strings.TrimPrefix(c.path, "/v1/teams/") ||
			got.Get("refresh_token") != nil || got.Get("id_token") != nil {
			t.Errorf("%v %s", said, got.Body)
		}
		ask(made.String("key.prefix"), secret).Want(http.StatusOK)
		_, backend := newKey(t, operator(t, a), "introspect")
		active := func() *apptest.Answer {
			return backend.POST("/v1/introspect", object{"token": got.String("access_token")}).Want(http.StatusOK)
		}
		if i := active(); i.Get("active") != true || i.String("sub") != id || i.Get("sid") != nil || i.String("role") != "admin" {
			t.Errorf("%s", i.Body)
		}
		o.userinfo(t, got.String("access_token")).Want(http.StatusUnauthorized)
		wantOAuth(t, ask(id, secret[:len(secret)-1]+"x"), http.StatusUnauthorized, "invalid_client", "invalid_client")
		wantOAuth(t, ask(o.ID, secret), http.StatusUnauthorized, "invalid_client", "invalid_client")
		wantOAuth(t, ask(o.ID, o.Secret), http.StatusUnauthorized, "invalid_client", "invalid_client")
		wantOAuth(t, ask(id, secret, "scope", "openid"), http.StatusBadRequest, "invalid_scope", "invalid_scope")
		wantOAuth(t, ask(backend.Bearer, backend.Bearer), http.StatusUnauthorized, "invalid_client", "invalid_client")
		c.owner.DELETE(c.path + "/api-keys/" + id).Want(http.StatusNoContent)
		wantOAuth(t, ask(id, secret), http.StatusUnauthorized, "invalid_client", "invalid_client")
		if i := active(); i.Get("active") != false {
			t.Errorf("revoked: %s", i.Body)
		}
	})
}

// former_subs are ids that this client knows, and no others.
func TestFormerSubjects(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		op := operator(t, a)
		knows, never := register(t, a), register(t, a)
		ada, old := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"}), google(t, a, apptest.Person{Name: "Old", Email: "old@gmail.com"})
		hint, _ := knows.signIn(old).Extra("id_token").(string)
		was := me(old)
		op.POST("/v1/admin/merges", object{"user_ids": []string{was, me(ada)}, "survivor_id": me(ada)}).Want(http.StatusOK)
		if _, c := knows.idToken(t, knows.signIn(ada)); len(c["former_subs"].([]any)) != 1 || c["former_subs"].([]any)[0] != was {
			t.Errorf("%v", c)
		}
		// A hint of the former id is of the same person.
		if to := knows.follow(ada, knows.request("id_token_hint", hint, "prompt", "none")); to.Query().Get("code") == "" {
			t.Errorf("a hint from before the merge: %s", to)
		}
		bob := google(t, a, apptest.Person{Name: "Bob", Email: "bob@gmail.com"})
		if to := knows.follow(bob, knows.request("id_token_hint", hint, "prompt", "none")); to.Query().Get("error") != "login_required" {
			t.Errorf("another's hint: %s", to)
		}
		if _, c := never.idToken(t, never.signIn(ada)); c["former_subs"] != nil {
			t.Errorf("%v", c)
		}
	})
}

// What no cookie counts for may be read from any page, and nothing else.
func TestOpenEndpointsAnswerAnyOrigin(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	b := a.Browser().With("Origin", "https://spa.example.net")
	open := map[string]string{
		"/oauth2/token": "POST", "/oauth2/userinfo": "GET", "/oauth2/revoke": "POST", "/.well-known/jwks.json": "GET",
		"/.well-known/openid-configuration": "GET", "/.well-known/oauth-authorization-server": "GET",
	}
	for path, method := range open {
		for _, header := range []http.Header{b.Do(method, path, nil).Header, b.With("Access-Control-Request-Method", method).With("Access-Control-Request-Headers", "authorization,baggage,content-type,idempotency-key,traceparent,tracestate").Do(http.MethodOptions, path, nil).Header} {
			if header.Get("Access-Control-Allow-Origin") != "*" || header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s: %v", path, header)
			}
		}
	}
	for _, path := range []string{"/oauth2/authorize", "/oauth2/introspect", "/v1/session", "/v1/token/refresh"} {
		if h := b.GET(path).Header; h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", path, h)
		}
	}
	ours := a.Browser().With("Origin", a.URL)
	for _, name := range []string{"traceparent", "tracestate", "baggage", "idempotency-key"} {
		h := ours.With("Access-Control-Request-Method", "GET").With("Access-Control-Request-Headers", name).Do(http.MethodOptions, "/v1/session", nil).Header
		if !strings.EqualFold(h.Get("Access-Control-Allow-Headers"), name) {
			t.Errorf("%s: %v", name, h)
		}
	}
	meta, same := b.GET("/.well-known/openid-configuration").Want(http.StatusOK), b.GET("/.well-known/oauth-authorization-server").Want(http.StatusOK)
	if string(meta.Body) != string(same.Body) || !strings.Contains(meta.Header.Get("Cache-Control"), "max-age") {
		t.Errorf("%s", meta.Body)
	}
	for _, endpoint := range []string{"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "revocation_endpoint", "introspection_endpoint", "jwks_uri"} {
		if !strings.HasPrefix(meta.String(endpoint), a.URL+"/") {
			t.Errorf("%s: %s", endpoint, meta.Body)
		}
	}
	if supported := meta.Get("code_challenge_methods_supported").([]any); !slices.Equal(supported, []any{"S256"}) || meta.Get("authorization_response_iss_parameter_supported") != true {
		t.Errorf("%s", meta.Body)
	}
}

// Only what a wallet signed is known of many people.
func TestPeopleWithWalletsOnly(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	o := register(t, a)
	b, w := a.Browser(), apptest.NewWallet(t)
	b.Wallet(w, "sign_in").Want(http.StatusOK)
	o.oauth.Scopes = []string{"openid", "profile", "email", "wallets"}
	_, c := o.idToken(t, o.signIn(b))
	wallets := c["wallets"].([]any)
	if c["email"] != nil || c["email_verified"] != nil || c["preferred_username"] != w.Address.Hex() || len(wallets) != 1 || wallets[0].(map[string]any)["address"] != w.Address.Hex() {
		t.Errorf("%v", c)
	}
}

// headerOf decodes the header of a JWT.
func headerOf(token string) ([]byte, error) {
	header, _, _ := strings.Cut(token, ".")
	return base64.RawURLEncoding.DecodeString(header)
}
