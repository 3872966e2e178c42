package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// Each scope gives its claims and no others, in the ID token and at userinfo, in whatever
// order they are asked for. A client that asks for no ID token gets none.
func TestClaimsOfScopes(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	ada.Wallet(apptest.NewWallet(t), "link").Want(http.StatusOK)
	o := register(t, a)
	always := []string{"amr", "at_hash", "aud", "auth_time", "azp", "exp", "iat", "iss", "sid", "sub"}
	profile, email := []string{"name", "onboarded", "preferred_username", "updated_at"}, []string{"email", "email_verified"}
	for scope, want := range map[string][]string{
		"openid": nil, "openid profile": profile, "profile openid": profile, "openid email": email, "email openid": email, "openid address phone": nil,
		"openid wallets": {"wallets"}, "wallets email profile openid": slices.Concat(email, profile, []string{"wallets"}),
	} {
		o.oauth.Scopes = strings.Fields(scope)
		got := o.signIn(ada)
		_, id := o.idToken(t, got)
		if names := slices.Sorted(maps.Keys(id)); !slices.Equal(names, slices.Sorted(slices.Values(slices.Concat(always, want)))) {
			t.Errorf("%s: the ID token has %v", scope, names)
		}
		var info map[string]any
		if err := json.Unmarshal(o.userinfo(t, got.AccessToken).Want(http.StatusOK).Body, &info); err != nil {
			t.Fatal(err)
		}
		if names := slices.Sorted(maps.Keys(info)); !slices.Equal(names, slices.Sorted(slices.Values(append([]string{"sub"}, want...)))) || info["sub"] != me(ada) {
			t.Errorf("%s: userinfo has %v", scope, info)
		}
		for name, v := range info {
			if name != "wallets" && id[name] != v {
				t.Errorf("%s: %s is %v in the ID token, and %v", scope, name, id[name], v)
			}
		}
	}
	for _, onboarded := range []bool{true, false} {
		ada.PATCH("/v1/me", map[string]any{"onboarded": onboarded}).Want(http.StatusOK)
		o.oauth.Scopes = []string{"openid", "profile"}
		if _, id := o.idToken(t, o.signIn(ada)); id["onboarded"] != onboarded {
			t.Errorf("onboarded: %v, want %t", id["onboarded"], onboarded)
		}
	}
	o.oauth.Scopes = []string{"email"}
	got := o.signIn(ada)
	if got.Extra("id_token") != nil || got.Extra("scope") != "email" {
		t.Errorf("without openid: %v", got)
	}
	refused := o.userinfo(t, got.AccessToken)
	wantOAuth(t, refused, http.StatusForbidden, "insufficient_scope", "insufficient_scope")
	if !strings.Contains(refused.Header.Get("WWW-Authenticate"), `error="insufficient_scope"`) {
		t.Errorf("%v", refused.Header)
	}
}

// A client that believes the metadata is not disappointed: what is listed works, and what
// would be assumed where nothing is said is denied (OpenID Connect Discovery, section 3).
func TestMetadataSaysWhatIsTrue(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	ada.Wallet(apptest.NewWallet(t), "link").Want(http.StatusOK)
	b := a.Browser()
	meta := b.GET("/.well-known/openid-configuration").Want(http.StatusOK)
	list := func(name string) []string {
		t.Helper()
		values, _ := meta.Get(name).([]any)
		out := make([]string, len(values))
		for i, v := range values {
			out[i], _ = v.(string)
		}
		if len(out) == 0 {
			t.Fatalf("%s is not listed: %s", name, meta.Body)
		}
		return out
	}
	if meta.String("issuer") != a.URL || !strings.HasPrefix(meta.Header.Get("Content-Type"), "application/json") {
		t.Errorf("%v %s", meta.Header, meta.Body)
	}
	for name, method := range map[string]string{
		"authorization_endpoint": "GET", "token_endpoint": "POST", "userinfo_endpoint": "GET", "jwks_uri": "GET", "revocation_endpoint": "POST", "introspection_endpoint": "POST",
		"device_authorization_endpoint": "POST", "end_session_endpoint": "GET",
	} {
		path, ok := strings.CutPrefix(meta.String(name), a.URL)
		if got := b.Do(method, path, nil); !ok || got.Status == http.StatusNotFound || got.Status == http.StatusMethodNotAllowed || got.Status >= http.StatusInternalServerError {
			t.Errorf("%s: %s answers %d", name, meta.String(name), got.Status)
		}
	}
	for _, name := range []string{"claims_parameter_supported", "request_parameter_supported", "request_uri_parameter_supported"} {
		if meta.Get(name) != false {
			t.Errorf("%s is %v", name, meta.Get(name))
		}
	}
	for _, name := range []string{"authorization_response_iss_parameter_supported", "backchannel_logout_supported", "backchannel_logout_session_supported"} {
		if meta.Get(name) != true {
			t.Errorf("%s is %v", name, meta.Get(name))
		}
	}
	for name, want := range map[string][]string{
		"response_types_supported": {"code"}, "response_modes_supported": {"query"}, "subject_types_supported": {"public"}, "code_challenge_methods_supported": {"S256"},
		"token_endpoint_auth_methods_supported": {"client_secret_basic", "client_secret_post", "none"},
	} {
		if !slices.Equal(list(name), want) {
			t.Errorf("%s: %v", name, list(name))
		}
	}
	claims := list("claims_supported")
	for _, alg := range list("id_token_signing_alg_values_supported") {
		o := register(t, a, func(c *client.Client) { c.IDTokenAlg = alg })
		o.oauth.Scopes = list("scopes_supported")
		got := o.signIn(ada)
		if granted, _ := got.Extra("scope").(string); !slices.Equal(strings.Fields(granted), list("scopes_supported")) {
			t.Errorf("%s of %v", granted, list("scopes_supported"))
		}
		_, id := o.idToken(t, got)
		for claim := range id {
			if !slices.Contains(claims, claim) {
				t.Errorf("%s is not listed", claim)
			}
		}
		for _, grant := range list("grant_types_supported") {
			if refused := o.token(t, "grant_type", grant); refused.String("error") == "unsupported_grant_type" {
				t.Errorf("%s: %s", grant, refused.Body)
			}
		}
		for _, prompt := range list("prompt_values_supported") {
			if to := o.follow(ada, o.request("prompt", prompt)); to.Query().Get("error") != "" {
				t.Errorf("prompt=%s: %s", prompt, to)
			}
		}
	}
	if jwks := b.GET(strings.TrimPrefix(meta.String("jwks_uri"), a.URL)).Want(http.StatusOK); jwks.Len("keys") != 3 {
		t.Errorf("%s", jwks.Body)
	}
	if u, err := url.Parse(meta.String("service_documentation")); err != nil || u.Path != "/docs" {
		t.Errorf("%s", meta.String("service_documentation"))
	}
}
