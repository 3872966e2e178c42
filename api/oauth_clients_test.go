package api_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// Clients of JavaScript, from discovery to revocation.
func TestClientsOfOthers(t *testing.T) {
	if _, err := os.Stat("testdata/clients/node_modules"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("run npm ci in api/testdata/clients")
		}
		t.Skip("run npm ci in api/testdata/clients")
	}
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		ada := google(t, a, apptest.Person{Name: "Ada", Email: "ada@gmail.com"})
		o := register(t, a, func(c *client.Client) {
			c.RedirectURIs = client.Words{redirectURI, "https://app.example.net/auth/callback/latchkey"}
		})
		cmd := exec.CommandContext(t.Context(), "node", "testdata/clients/clients.mjs")
		cmd.Env = append(os.Environ(), "ISSUER="+a.URL, "CLIENT_ID="+o.ID, "CLIENT_SECRET="+o.Secret, "REDIRECT_URI="+redirectURI, "COOKIE=latchkey="+ada.Cookie("latchkey"))
		cmd.Stderr = os.Stderr
		raw, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
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
		if len(learned) != 3 {
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
