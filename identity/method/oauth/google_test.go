package oauth_test

import (
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/google"
)

func TestGoogleIsAnAuthorityOnlyForWhatItHosts(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		email, verified, hd any
		want                bool
	}{
		"gmail":                       {"ada@gmail.com", true, nil, true},
		"gmail in capitals":           {"Ada@GMail.com", true, nil, true},
		"googlemail":                  {"ada@googlemail.com", true, nil, true},
		"gmail unverified":            {"ada@gmail.com", false, nil, false},
		"gmail, flag as a string":     {"ada@gmail.com", "true", nil, false},
		"gmail, flag absent":          {"ada@gmail.com", nil, nil, false},
		"gmail below a domain":        {"ada@gmail.com.evil.example", true, nil, false},
		"subdomain of gmail":          {"ada@mx.gmail.com", true, nil, false},
		"gmail look-alike":            {"ada@gmaıl.com", true, nil, false},
		"hosted":                      {"ada@corp.example", true, "corp.example", true},
		"hosted, capitals":            {"ada@Corp.Example", true, "CORP.example", true},
		"hosted, IDN in two forms":    {"ada@bücher.example", true, "xn--bcher-kva.example", true},
		"hosted, unverified":          {"ada@corp.example", false, "corp.example", false},
		"hosted, flag as 1":           {"ada@corp.example", 1, "corp.example", false},
		"hosted by another domain":    {"ada@other.example", true, "corp.example", false},
		"hosted by a parent":          {"ada@sub.corp.example", true, "corp.example", false},
		"hosted by a child":           {"ada@corp.example", true, "sub.corp.example", false},
		"not hosted":                  {"ada@corp.example", true, nil, false},
		"hosted domain empty":         {"ada@corp.example", true, "", false},
		"hosted domain no string":     {"ada@corp.example", true, true, false},
		"hosted domain list":          {"ada@corp.example", true, []string{"corp.example"}, false},
		"hosted domain with an @":     {"ada@corp.example", true, "evil@corp.example", false},
		"address without a canonical": {"ada lovelace@corp.example", true, "corp.example", false},
		"no address":                  {nil, true, "corp.example", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, func(i *issuer) {
				i.claims = func(m jwt.MapClaims) {
					m["email"], m["email_verified"], m["hd"] = c.email, c.verified, c.hd
				}
			})
			p, err := google.New(method.Options{URLs: map[string]string{"ISSUER": i.URL}, ClientID: clientID, ClientSecret: "secret-1"})
			if err != nil {
				t.Fatal(err)
			}
			proof, err := i.prove(p)
			if err != nil || proof.Provider != identity.ProviderGoogle || proof.Subject != "subject-1" {
				t.Fatalf("got %+v, %v", proof, err)
			}
			if proof.EmailAuthoritative != c.want {
				t.Errorf("%q is authoritative: %v, want %v", proof.Email, proof.EmailAuthoritative, c.want)
			}
		})
	}
}

func TestGoogleConfiguration(t *testing.T) {
	t.Parallel()
	if p, err := google.New(method.Options{ClientID: "c", ClientSecret: "s"}); err != nil || p.Name() != "google" {
		t.Errorf("got %v, %v", p, err)
	}
	if _, err := google.New(method.Options{}); err == nil {
		t.Error("a missing client id is accepted")
	}
}
