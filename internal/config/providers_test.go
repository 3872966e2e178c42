package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/config"
)

func TestIssuersByConfiguration(t *testing.T) {
	t.Parallel()
	c := load(t,
		"LATCHKEY_OIDC_KEYCLOAK_ISSUER=https://sso.corp.example/realms/main", "LATCHKEY_OIDC_KEYCLOAK_CLIENT_ID=k", "LATCHKEY_OIDC_KEYCLOAK_CLIENT_SECRET=hunter2",
		"LATCHKEY_OIDC_KEYCLOAK_LABEL=Corp SSO", "LATCHKEY_OIDC_KEYCLOAK_SCOPES=openid  email", "LATCHKEY_OIDC_KEYCLOAK_EMAIL_DOMAINS=Corp.example",
		"LATCHKEY_OIDC_KEYCLOAK_LINKING=off",
		"LATCHKEY_OIDC_B_2_ISSUER=https://b.example/", "LATCHKEY_OIDC_B_2_CLIENT_ID=b")
	var enabled []string
	for _, p := range c.Providers {
		if p.Enabled() {
			enabled = append(enabled, p.Spec.Name)
		}
	}
	if want := []string{"b_2", "keycloak"}; !slices.Equal(enabled, want) {
		t.Fatalf("offers %v, want %v", enabled, want)
	}
	p := c.Provider("keycloak")
	o := p.Options(nil)
	if p.Label != "Corp SSO" || p.Linking != config.LinkingOff || o.Name != "keycloak" || o.ClientID != "k" || o.ClientSecret != "hunter2" ||
		o.URLs["ISSUER"] != "https://sso.corp.example/realms/main" || !slices.Equal(o.Scopes, []string{"openid", "email"}) || !slices.Equal(o.EmailDomains, []string{"corp.example"}) {
		t.Errorf("got %+v", o)
	}
	if p.Variable("ISSUER") != "LATCHKEY_OIDC_KEYCLOAK_ISSUER" || c.Provider("b_2").Label != "B_2" || c.Provider("nobody").Enabled() {
		t.Errorf("got %+v", c.Provider("b_2"))
	}
	for _, made := range c.Providers {
		if !made.Enabled() {
			continue
		}
		if r, err := made.Spec.New(made.Options(nil)); err != nil || r.Name() != made.Spec.Name {
			t.Errorf("%s: %v", made.Spec.Name, err)
		}
	}
}

// What is a sign-in method decides which identities a user is left with, so each kind
// has its condition.
func TestOffers(t *testing.T) {
	t.Parallel()
	dev, err := config.Load([]string{secret}, true)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		config config.Config
		want   []string
	}{
		"nothing configured": {load(t), []string{"passkey", "siwe"}},
		"development":        {dev, []string{"google", "github", "discord", "email", "passkey", "siwe"}},
		"mail and GitHub": {
			load(t, "LATCHKEY_SMTP_URL=smtps://u:p@mail.example.com:465", "LATCHKEY_MAIL_FROM=id@example.com", "LATCHKEY_GITHUB_CLIENT_ID=c", "LATCHKEY_GITHUB_CLIENT_SECRET=s"),
			[]string{"github", "email", "passkey", "siwe"},
		},
		"an issuer": {load(t, "LATCHKEY_OIDC_SSO_ISSUER=https://sso.example", "LATCHKEY_OIDC_SSO_CLIENT_ID=k"), []string{"sso", "passkey", "siwe"}},
	} {
		var got []string
		for _, name := range []string{"google", "github", "discord", "sso", "email", "passkey", "siwe", "import", "recovery", "other", ""} {
			if c.config.Offers(name) {
				got = append(got, name)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", what, got, c.want)
		}
	}
}

func TestIssuersThatAreWrong(t *testing.T) {
	t.Parallel()
	const id, issuer = "LATCHKEY_OIDC_SSO_CLIENT_ID=k", "LATCHKEY_OIDC_SSO_ISSUER=https://sso.example"
	for name, c := range map[string]struct {
		env  []string
		want string
	}{
		"no issuer":        {[]string{id}, "LATCHKEY_OIDC_SSO_ISSUER: is not set"},
		"no client":        {[]string{issuer}, "LATCHKEY_OIDC_SSO_CLIENT_ID: is not set"},
		"only a label":     {[]string{"LATCHKEY_OIDC_SSO_LABEL=x"}, "LATCHKEY_OIDC_SSO_CLIENT_ID: is not set"},
		"no URL":           {[]string{id, "LATCHKEY_OIDC_SSO_ISSUER=sso.example"}, "LATCHKEY_OIDC_SSO_ISSUER"},
		"scopes":           {[]string{id, issuer, "LATCHKEY_OIDC_SSO_SCOPES=email profile"}, "LATCHKEY_OIDC_SSO_SCOPES: lacks openid"},
		"domains":          {[]string{id, issuer, "LATCHKEY_OIDC_SSO_EMAIL_DOMAINS=ada@corp.example"}, "LATCHKEY_OIDC_SSO_EMAIL_DOMAINS"},
		"linking":          {[]string{id, issuer, "LATCHKEY_OIDC_SSO_LINKING=maybe"}, "LATCHKEY_OIDC_SSO_LINKING"},
		"a built-in name":  {[]string{"LATCHKEY_OIDC_GOOGLE_ISSUER=https://x.example", "LATCHKEY_OIDC_GOOGLE_CLIENT_ID=k"}, "another sign-in method"},
		"the wallets name": {[]string{"LATCHKEY_OIDC_SIWE_ISSUER=https://x.example", "LATCHKEY_OIDC_SIWE_CLIENT_ID=k"}, "another sign-in method"},
		"a long name":      {[]string{"LATCHKEY_OIDC_" + strings.Repeat("X", 33) + "_CLIENT_ID=k"}, "too long"},
	} {
		_, err := config.Load(append([]string{secret}, c.env...), false)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", name, err, c.want)
		}
	}
	// What has no name is no variable.
	if warnings := strings.Join(load(t, "LATCHKEY_OIDC_ISSUER=https://x.example").Warnings(), "\n"); !strings.Contains(warnings, "LATCHKEY_OIDC_ISSUER is not a variable") {
		t.Errorf("warns of %q", warnings)
	}
}
