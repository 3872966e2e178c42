package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

const takesRegistrations = "LATCHKEY_DYNAMIC_REGISTRATION=true"

// registerItself returns an application that registered itself.
func registerItself(t *testing.T, a *apptest.App) application {
	t.Helper()
	o := register(t, a)
	got := a.Browser().POST("/oauth2/register", object{
		"client_name": "Agent", "redirect_uris": []string{"http://127.0.0.1/callback", "com.example.agent:/callback"},
		"grant_types": []string{"authorization_code", "refresh_token"}, "token_endpoint_auth_method": "none",
	}).Want(http.StatusCreated)
	o.ID, o.Secret, o.oauth.ClientID, o.oauth.ClientSecret = got.String("client_id"), "", got.String("client_id"), ""
	o.oauth.RedirectURL = "http://127.0.0.1:4000/callback"
	return o
}

// An application registers itself from anywhere, which keeps nothing. People are asked
// about it, by its name and that it was not checked, and it is kept once somebody agrees.
func TestApplicationThatRegistersItself(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		guest := a.Browser()
		if endpoint := guest.GET("/.well-known/oauth-authorization-server").Get("registration_endpoint"); endpoint != a.URL+"/oauth2/register" {
			t.Errorf("the metadata says %v", endpoint)
		}
		a.Unchanged(t, func() {
			got := guest.With("Origin", "https://inspector.example").POST("/oauth2/register", object{
				"client_name": "Inspector", "redirect_uris": []string{"https://inspector.example/callback"}, "token_endpoint_auth_method": "client_secret_basic",
				"client_uri": "https://inspector.example", "logo_uri": "https://bank.example/logo.png", "contacts": []string{"x"},
			}).Want(http.StatusCreated)
			if got.String("token_endpoint_auth_method") != "none" || got.Get("client_secret") != nil || got.Get("logo_uri") != nil || got.Len("grant_types") != 1 || got.Get("scope") != nil ||
				got.Header.Get("Access-Control-Allow-Origin") != "*" || got.Header.Get("Cache-Control") != "no-store" || len(got.String("client_id")) > 400 {
				t.Errorf("%v %s", got.Header, got.Body)
			}
		})
		o := registerItself(t, a)
		b := a.Browser()
		on := o.follow(b, o.request("scope", "openid email")).Query().Get("return_to")
		b.Provider("google", "sign_in", apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		asked := ""
		a.Unchanged(t, func() { asked = o.consent(b, on) })
		q := b.GET("/v1/consent?request=" + url.QueryEscape(asked)).Want(http.StatusOK)
		if q.Get("client.self_registered") != true || q.Get("client.document_host") != nil || q.String("client.name") != "Agent" || q.String("redirect_host") != "127.0.0.1:4000" {
			t.Errorf("%s", q.Body)
		}
		o.token(t, "grant_type", "refresh_token", "refresh_token", "x").Want(http.StatusUnauthorized)
		to := o.follow(b, o.decide(b, asked, "allow").Want(http.StatusOK).String("url"))
		got := o.exchange(t, to.Query().Get("code"), verifierOfRFC7636).Want(http.StatusOK)
		if id := claimsOf(t, b, got.String("access_token")); id["client_id"] != o.ID {
			t.Errorf("%v", id)
		}
		got = o.refresh(t, got.String("refresh_token")).Want(http.StatusOK)
		if to := o.follow(b, o.request("prompt", "none")); to.Query().Get("error") != "consent_required" {
			t.Errorf("a program on a loopback address is taken for the one before: %s", to)
		}
		for name, path := range map[string]string{
			"elsewhere": o.request("redirect_uri", "https://evil.example/callback"), "another path": o.request("redirect_uri", "http://127.0.0.1:4000/other"),
		} {
			if refused := b.GET(path).WantProblem(http.StatusBadRequest, "invalid_redirect_uri"); refused.Header.Get("Location") != "" {
				t.Errorf("%s: leads to %s", name, refused.Header.Get("Location"))
			}
		}
		op := operator(t, a)
		op.DELETE("/v1/admin/clients/" + o.ID).Want(http.StatusNoContent)
		wantOAuth(t, o.refresh(t, got.String("refresh_token")), http.StatusUnauthorized, "invalid_client", "invalid_client")
	}, takesRegistrations)
}

// Nothing of what an application says can do harm, and no id is taken that was not given.
func TestRegistrationRefuses(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, takesRegistrations)
	b := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	const uri, metadata = "invalid_redirect_uri", "invalid_client_metadata"
	refused := map[string]struct {
		said object
		code string
	}{
		"no redirect URI":   {object{"client_name": "Agent"}, uri},
		"none":              {object{"redirect_uris": []string{}}, uri},
		"of another type":   {object{"redirect_uris": []string{"https://a.example/cb"}, "client_name": 7}, "invalid_request"},
		"http elsewhere":    {object{"redirect_uris": []string{"http://a.example/cb"}}, uri},
		"a script":          {object{"redirect_uris": []string{"javascript:alert(1)"}}, uri},
		"a fragment":        {object{"redirect_uris": []string{"https://a.example/cb#x"}}, uri},
		"a wildcard":        {object{"redirect_uris": []string{"https://*.example/cb"}}, uri},
		"one of two":        {object{"redirect_uris": []string{"https://a.example/cb", "http://b.example/cb"}}, uri},
		"twice":             {object{"redirect_uris": []string{"https://a.example/cb", "https://a.example/cb"}}, uri},
		"another grant":     {object{"redirect_uris": []string{"https://a.example/cb"}, "grant_types": []string{"client_credentials"}}, metadata},
		"tokens in front":   {object{"redirect_uris": []string{"https://a.example/cb"}, "response_types": []string{"token"}}, metadata},
		"two lines":         {object{"redirect_uris": []string{"https://a.example/cb"}, "client_name": "A\nB"}, metadata},
		"reversed":          {object{"redirect_uris": []string{"https://a.example/cb"}, "client_name": "A\u202eB"}, metadata},
		"long":              {object{"redirect_uris": []string{"https://a.example/cb"}, "client_name": strings.Repeat("x", 101)}, metadata},
		"a secret":          {object{"redirect_uris": []string{"https://a.example/cb"}, "client_secret": "x"}, metadata},
		"an algorithm":      {object{"redirect_uris": []string{"https://a.example/cb"}, "id_token_signed_response_alg": "none"}, metadata},
		"more than is kept": {object{"redirect_uris": []string{"https://a.example/" + strings.Repeat("x", 990)}}, metadata},
	}
	a.Unchanged(t, func() {
		for name, r := range refused {
			if got := b.POST("/oauth2/register", r.said); got.Status != http.StatusBadRequest || got.String("error") != r.code {
				t.Errorf("%s: %d %s", name, got.Status, got.Body)
			}
		}
	})
	o := registerItself(t, a)
	o.consent(b, o.request())
	for name, id := range map[string]string{
		"changed": o.ID[:len(o.ID)-8] + "AAAAAAAA", "cut": o.ID[:len(o.ID)-4], "padded": o.ID + "=", "of nothing": "reg_", "sealed for another use": "reg_" + o.consent(b, o.request()),
	} {
		b.GET(o.request("client_id", id)).WantProblem(http.StatusBadRequest, "client_not_found")
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

// It is off by default, and what was registered ends when it is off again.
func TestRegistrationIsOff(t *testing.T) {
	t.Parallel()
	off := apptest.SQLite(t)
	if got := off.Browser().GET("/.well-known/openid-configuration"); got.Get("registration_endpoint") != nil {
		t.Errorf("%s", got.Body)
	}
	off.Browser().POST("/oauth2/register", object{"redirect_uris": []string{"https://a.example/cb"}}).Want(http.StatusNotFound)

	databaseURL := apptest.DatabaseURL(t, "sqlite")
	on := apptest.StartAt(t, databaseURL, takesRegistrations)
	o := registerItself(t, on)
	b := google(t, on, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	got := o.exchange(t, o.allow(b, o.request()).Query().Get("code"), verifierOfRFC7636).Want(http.StatusOK)
	o.App = apptest.StartAt(t, databaseURL)
	if refused := o.refresh(t, got.String("refresh_token")); refused.Status != http.StatusUnauthorized {
		t.Errorf("refreshed: %d %s", refused.Status, refused.Body)
	}
	o.Browser().GET(o.request()).WantProblem(http.StatusBadRequest, "client_not_found")
}

// One network registers so many applications, and no more.
func TestRegistrationIsLimited(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, takesRegistrations, "LATCHKEY_RATE_LIMITS=1")
	a.Freeze()
	post := func() *apptest.Answer {
		return a.Browser().POST("/oauth2/register", object{"redirect_uris": []string{"https://a.example/cb"}})
	}
	for range 20 {
		post().Want(http.StatusCreated)
	}
	if refused := post(); refused.Status != http.StatusTooManyRequests || refused.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", refused.Status, refused.Body)
	}
	a.Advance(30 * time.Second)
	post().Want(http.StatusCreated)
}
