package api_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

const clients = "LATCHKEY_CLIENTS=web=https://api.example.com,mobile=https://mobile.example.com"

// claims verifies an access token as a backend would: by another library than
// ours, and by what the JWKS says.
func claims(t *testing.T, b *apptest.Browser, raw string) map[string]any {
	t.Helper()
	parsed, err := josejwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(b.GET("/.well-known/jwks.json").Want(http.StatusOK).Body, &keys); err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := parsed.Claims(keys, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// wantOAuth asserts a refusal in the form of RFC 6749.
func wantOAuth(t *testing.T, a *apptest.Answer, status int, name, code string) {
	t.Helper()
	a.Want(status)
	if a.String("error") != name || a.String("code") != code || a.String("error_description") == "" || a.String("request_id") == "" ||
		!strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("want %s (%s): %s %v", name, code, a.Body, a.Header)
	}
}

func restricted(t *testing.T, a *apptest.App) *apptest.Browser {
	t.Helper()
	b := google(t, a, apptest.Person{Email: "restricted@gmail.com"})
	code := b.POST("/v1/me/recovery-codes", nil).Want(http.StatusCreated).String("codes.0")
	back := a.Browser()
	back.POST("/v1/auth/recovery", map[string]any{"code": code}).Want(http.StatusOK)
	return back
}

func TestAccessToken(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		c := newCrew(t, a, "Keys")
		grant := c.member.POST("/v1/token", nil).Want(http.StatusOK)
		got := claims(t, c.member, grant.String("access_token"))
		session := c.member.GET("/v1/session")
		if got["sub"] != c.ids["member"] || got["sid"] != session.String("session.id") || got["iss"] != a.URL || got["client_id"] != "web" ||
			got["team"] != nil || got["role"] != nil || grant.String("token_type") != "Bearer" || grant.Get("expires_in") != 300.0 {
			t.Errorf("%v %s", got, grant.Body)
		}

		team := map[string]any{"team_id": strings.TrimPrefix(c.path, "/v1/teams/"), "client_id": "mobile"}
		wantOAuth(t, c.member.POST("/v1/token", team), http.StatusForbidden, "access_denied", "team_session_required")
		entered := c.member.POST(c.path+"/sessions", nil).Want(http.StatusCreated).String("id")
		// Another team that was entered since does not take this one's place.
		second := c.member.POST("/v1/teams", map[string]any{"name": "Second"}).Want(http.StatusCreated).String("id")
		c.member.POST("/v1/teams/"+second+"/sessions", nil).Want(http.StatusCreated)
		for id, role := range map[string]string{team["team_id"].(string): "member", second: "owner"} {
			got = claims(t, c.member, c.member.POST("/v1/token", map[string]any{"team_id": id, "client_id": "mobile"}).Want(http.StatusOK).String("access_token"))
			if got["team"] != id || got["role"] != role || got["client_id"] != "mobile" {
				t.Errorf("%v", got)
			}
			if aud, _ := json.Marshal(got["aud"]); string(aud) != `["https://mobile.example.com"]` {
				t.Errorf("aud %s", aud)
			}
		}
		c.owner.DELETE(c.path + "/sessions/" + entered).Want(http.StatusNoContent)
		wantOAuth(t, c.member.POST("/v1/token", team), http.StatusForbidden, "access_denied", "team_session_required")
		c.owner.DELETE(c.path + "/members/" + c.ids["member"]).Want(http.StatusNoContent)
		wantOAuth(t, c.member.POST("/v1/token", team), http.StatusNotFound, "invalid_request", "not_found")

		wantOAuth(t, a.Browser().POST("/v1/token", nil), http.StatusUnauthorized, "invalid_token", "unauthenticated")
		wantOAuth(t, restricted(t, a).POST("/v1/token", nil), http.StatusForbidden, "access_denied", "recovery_restricted")
		wantOAuth(t, c.owner.POST("/v1/token", map[string]any{"client_id": "nobody"}), http.StatusUnauthorized, "invalid_client", "invalid_client")
		wantOAuth(t, c.owner.POST("/v1/token", map[string]any{"team_id": identity.NewID()}), http.StatusNotFound, "invalid_request", "not_found")
		for _, body := range []map[string]any{{"team_id": "x"}, {"team_id": nil}, {"role": "owner"}, {"sub": "x"}, {"client_id": 1}, {"client_id": ""}} {
			wantOAuth(t, c.owner.POST("/v1/token", body), http.StatusBadRequest, "invalid_request", "invalid_request")
		}
		wantOAuth(t, c.owner.With("Origin", "https://evil.example").POST("/v1/token", nil), http.StatusForbidden, "access_denied", "origin_not_allowed")
	}, clients)
}

// An access token is for others: by itself it opens none of our calls, whatever
// role or user it names.
func TestAccessTokenOpensNothingHere(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	c := newCrew(t, a, "Keys")
	grantOperator(t, a, c.ids["owner"])
	c.owner.POST(c.path+"/sessions", nil).Want(http.StatusCreated)
	b := a.Browser()
	b.Bearer = c.owner.POST("/v1/token", map[string]any{"team_id": strings.TrimPrefix(c.path, "/v1/teams/")}).Want(http.StatusOK).String("access_token")
	for _, path := range []string{"/v1/session", "/v1/me", "/v1/me/sessions", "/v1/teams", c.path + "/members", c.path + "/sessions", "/v1/admin/users"} {
		b.GET(path).WantProblem(http.StatusUnauthorized, "unauthenticated")
	}
	wantOAuth(t, b.POST("/v1/token", nil), http.StatusUnauthorized, "invalid_token", "unauthenticated")
	b.SetCookie("latchkey", b.Bearer)
	b.Bearer = ""
	b.GET("/v1/me").WantProblem(http.StatusUnauthorized, "unauthenticated")
}

func TestKeysArePublishedAndRotated(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
		a.Freeze()
		keyOf := func() string {
			t.Helper()
			raw := b.POST("/v1/token", nil).Want(http.StatusOK).String("access_token")
			claims(t, b, raw)
			parsed, err := josejwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256})
			if err != nil {
				t.Fatal(err)
			}
			return parsed.Headers[0].KeyID
		}
		first := keyOf()
		jwks := b.GET("/.well-known/jwks.json").Want(http.StatusOK)
		if got := jwks.Header.Get("Cache-Control"); got != "public, max-age=300" {
			t.Errorf("Cache-Control %q", got)
		}
		cfg := a.Config
		cfg.TokenAlg = "ES256"
		k, err := app.Keyring(cfg, a.DB, slog.New(slog.DiscardHandler), a.Now).Rotate(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		a.Advance(token.ReloadEvery)
		if n := b.GET("/.well-known/jwks.json").Len("keys"); n != 3 || keyOf() != first {
			t.Errorf("%d keys; the new one must not sign yet", n)
		}
		a.Advance(10 * time.Minute)
		if keyOf() != k.Kid {
			t.Error("the new key does not sign")
		}
		a.Advance(10 * time.Minute)
		if n := b.GET("/.well-known/jwks.json").Len("keys"); n != 2 { // and that of ID tokens
			t.Errorf("%d keys in the end", n)
		}
		meta := b.GET("/.well-known/oauth-authorization-server").Want(http.StatusOK)
		if meta.String("issuer") != a.URL || meta.String("jwks_uri") != a.URL+"/.well-known/jwks.json" {
			t.Errorf("%s", meta.Body)
		}
	})
}
