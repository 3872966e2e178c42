package oauth_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/gitlab"
	"github.com/latchkey/latchkey/identity/method/microsoft"
	"github.com/latchkey/latchkey/identity/method/oidc"
)

// Issuers are believed about configured domains only, by the claim in which each
// of them says that an address is verified.
func TestListedIssuersAndTheirAddresses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spec    method.Spec
		claims  jwt.MapClaims
		vouches bool
	}{
		"any, verified":            {oidc.Spec("sso"), jwt.MapClaims{"email": "a@corp.example", "email_verified": true}, true},
		"any, another domain":      {oidc.Spec("sso"), jwt.MapClaims{"email": "a@gmail.com", "email_verified": true}, false},
		"any, unverified":          {oidc.Spec("sso"), jwt.MapClaims{"email": "a@corp.example", "email_verified": false}, false},
		"gitlab, verified":         {gitlab.Spec, jwt.MapClaims{"email": "a@corp.example", "email_verified": true}, true},
		"gitlab, another domain":   {gitlab.Spec, jwt.MapClaims{"email": "a@gmail.com", "email_verified": true}, false},
		"microsoft, by the domain": {microsoft.Spec, jwt.MapClaims{"email": "a@corp.example", "xms_edov": true}, true},
		"microsoft, as a digit":    {microsoft.Spec, jwt.MapClaims{"email": "a@corp.example", "xms_edov": "1"}, true},
		"microsoft, not so":        {microsoft.Spec, jwt.MapClaims{"email": "a@corp.example", "xms_edov": false}, false},
		"microsoft, another claim": {microsoft.Spec, jwt.MapClaims{"email": "a@corp.example", "email_verified": true}, false},
		"microsoft, no claim":      {microsoft.Spec, jwt.MapClaims{"email": "a@corp.example"}, false},
		"microsoft, other domain":  {microsoft.Spec, jwt.MapClaims{"email": "a@gmail.com", "xms_edov": true}, false},
	} {
		for _, domains := range [][]string{nil, {"corp.example"}} {
			i := newIssuer(t, func(i *issuer) {
				i.claims = func(m jwt.MapClaims) {
					delete(m, "email_verified")
					for name, value := range c.claims {
						m[name] = value
					}
				}
			})
			p, err := c.spec.New(method.Options{Name: c.spec.Name, ClientID: clientID, ClientSecret: "secret-1", URLs: map[string]string{"ISSUER": i.URL}, EmailDomains: domains})
			if err != nil {
				t.Fatal(err)
			}
			proof, err := i.prove(p)
			if err != nil || proof.Provider != c.spec.Name || proof.Email != c.claims["email"] || proof.EmailAuthoritative != (c.vouches && domains != nil) {
				t.Errorf("%s, domains %v: got %+v, %v", name, domains, proof, err)
			}
		}
	}
}

// GitLab answers a request for an account picker with an error.
func TestGitLabIsAskedForASignIn(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, nil)
	p, err := gitlab.Spec.New(method.Options{Name: "gitlab", ClientID: clientID, ClientSecret: "s", URLs: map[string]string{"ISSUER": i.URL}})
	if err != nil {
		t.Fatal(err)
	}
	for purpose, want := range map[identity.Purpose]string{identity.PurposeSignIn: "", identity.PurposeLink: "login", identity.PurposeStepUp: "login"} {
		raw, err := p.AuthCodeURL(context.Background(), method.Flow{Purpose: purpose})
		u, parseErr := url.Parse(raw)
		if err != nil || parseErr != nil || u.Query().Get("prompt") != want {
			t.Errorf("%s: %s, %v", purpose, raw, err)
		}
	}
}
