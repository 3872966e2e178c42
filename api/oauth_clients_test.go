package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/app"
	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

func needNode(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("testdata/clients/node_modules"); err != nil {
		testkit.Missing(t, "run npm ci in api/testdata/clients")
	}
}

// runNode runs a script as the application, with a browser at hand, and returns what it
// prints.
func (o application) runNode(t *testing.T, b *apptest.Browser, script string, env ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "testdata/clients/"+script)
	cmd.Env = append(append(os.Environ(), "ISSUER="+o.URL, "CLIENT_ID="+o.ID, "REDIRECT_URI="+o.oauth.RedirectURL, "COOKIE=latchkey="+b.Cookie("latchkey")), env...)
	cmd.Stderr = os.Stderr
	raw, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return raw
}

// The client of the MCP TypeScript SDK, from the metadata of an MCP server (RFC 9728) to
// a token for it alone (RFC 8707), without being registered.
func TestMCPClient(t *testing.T) {
	needNode(t)
	t.Parallel()
	a := apptest.SQLite(t, takesRegistrations)
	g := newAgent(t, a)
	ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
	var resource string
	mcp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		switch {
		case r.URL.Path == "/.well-known/oauth-protected-resource/mcp":
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(object{"resource": resource, "authorization_servers": []string{a.URL}, "scopes_supported": []string{"tools"}})
		case r.URL.Path != "/mcp":
			w.WriteHeader(http.StatusNotFound)
		case raw == "" || !slices.Equal(claimsOf(t, ada, raw)["aud"].([]any), []any{resource}):
			w.Header().Set("WWW-Authenticate", `Bearer resource_metadata="`+resource+`"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(mcp.Close)
	resource = mcp.URL + "/mcp"
	if _, err := app.Clients(a.Config, a.DB, a.Now).CreateResource(t.Context(), nil, client.Resource{URI: resource, Scopes: client.Words{"tools"}}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{g.ID, ""} { // without one it registers itself
		var got struct {
			Access string `json:"access_token"`
			Scope  string
			Called int
		}
		if err := json.Unmarshal(g.runNode(t, ada, "mcp.mjs", "RESOURCE="+resource, "CLIENT_ID="+id), &got); err != nil {
			t.Fatal(err)
		}
		claims := claimsOf(t, ada, got.Access)
		of, _ := claims["client_id"].(string)
		if got.Called != http.StatusOK || !slices.Equal(claims["aud"].([]any), []any{resource}) || claims["sub"] != me(ada) || got.Scope != "tools offline_access" ||
			id != "" && of != id || id == "" && !client.RegisteredItself(of) {
			t.Errorf("%+v %v", got, claims)
		}
	}
}

// Clients of JavaScript, from discovery to revocation.
func TestClientsOfOthers(t *testing.T) {
	needNode(t)
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		o := register(t, a, func(c *client.Client) {
			c.RedirectURIs = client.Words{redirectURI, "https://app.example.net/auth/callback/latchkey"}
		})
		native := register(t, a, func(c *client.Client) {
			c.Kind, c.RedirectURIs = client.Public, client.Words{"com.example.app:/callback"}
		})
		raw := o.runNode(t, ada, "clients.mjs", "CLIENT_SECRET="+o.Secret, "DEVICE_CLIENT_ID="+television(t, a).ID, "NATIVE_CLIENT_ID="+native.ID)
		var learned map[string]struct{ Sub, Sid, Email string }
		if err := json.Unmarshal(raw, &learned); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
		sessions := map[string]bool{}
		for name, l := range learned {
			if l.Email != "ada@gmail.com" || l.Sub != me(ada) && name != "@auth/core" || sessions[l.Sid] {
				t.Errorf("%s: %+v", name, l)
			}
			sessions[l.Sid] = true
		}
		if len(learned) != 5 {
			t.Errorf("%s", raw)
		}
	})
}

// The relying party of zitadel/oidc.
func TestZitadelRelyingParty(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		o := register(t, a, func(c *client.Client) { c.IDTokenAlg = "ES256" })
		party, err := rp.NewRelyingPartyOIDC(t.Context(), a.URL, o.ID, o.Secret, redirectURI, []string{"openid", "email"},
			rp.WithHTTPClient(a.Browser().Client), rp.WithSigningAlgsFromDiscovery())
		if err != nil {
			t.Fatal(err)
		}
		verifier := oauth2.GenerateVerifier()
		to := o.follow(ada, rp.AuthURL("state", party, rp.WithCodeChallenge(oauth2.S256ChallengeFromVerifier(verifier))))
		tokens, err := rp.CodeExchange[*zitadel.IDTokenClaims](t.Context(), to.Query().Get("code"), party, rp.WithCodeVerifier(verifier))
		if err != nil {
			t.Fatal(err)
		}
		info, err := rp.Userinfo[*zitadel.UserInfo](t.Context(), tokens.AccessToken, tokens.TokenType, tokens.IDTokenClaims.Subject, party)
		if err != nil || info.Email != "ada@gmail.com" || info.Subject != me(ada) {
			t.Errorf("%+v %v", info, err)
		}
		next, err := rp.RefreshTokens[*zitadel.IDTokenClaims](t.Context(), party, tokens.RefreshToken, "", "")
		if err != nil || next.RefreshToken == tokens.RefreshToken {
			t.Errorf("%+v %v", next, err)
		}
		if err := rp.RevokeToken(t.Context(), party, next.RefreshToken, "refresh_token"); err != nil {
			t.Error(err)
		}
		o.dead(t, "revoked", next.AccessToken, next.RefreshToken)
	})
}
