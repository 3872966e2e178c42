package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/config"
)

var hub = []string{"LATCHKEY_GITHUB_CLIENT_ID=c", "LATCHKEY_GITHUB_CLIENT_SECRET=s"}

func TestEmailDomains(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][]string{
		"corp.example":              {"corp.example"},
		" Corp.Example , b.example": {"corp.example", "b.example"}, //nolint:gocritic // the space is what is tested
		"bücher.example":            {"xn--bcher-kva.example"},
	} {
		if got := load(t, append(hub, "LATCHKEY_GITHUB_EMAIL_DOMAINS="+value)...).Provider("github").EmailDomains; !slices.Equal(got, want) {
			t.Errorf("%q is %v, want %v", value, got, want)
		}
	}
	for _, value := range []string{"@corp.example", "ada@corp.example", "corp.example,", "corp example", "*.corp.example", ".", "https://corp.example"} {
		_, err := config.Load(append(slices.Clone(hub), secret, "LATCHKEY_GITHUB_EMAIL_DOMAINS="+value), false)
		if err == nil || !strings.Contains(err.Error(), "LATCHKEY_GITHUB_EMAIL_DOMAINS") {
			t.Errorf("%q: error is %v", value, err)
		}
	}
	if _, err := config.Load([]string{secret, "LATCHKEY_GITHUB_EMAIL_DOMAINS=corp.example"}, false); err == nil {
		t.Error("domains without a client are accepted")
	}
}

// An Enterprise Server that is believed about nothing is probably not meant.
func TestEnterpriseServerWithoutDomainsIsWarnedOf(t *testing.T) {
	t.Parallel()
	server := func(host string, more ...string) []string {
		return slices.Concat(hub, []string{"LATCHKEY_GITHUB_URL=" + host, "LATCHKEY_GITHUB_API_URL=" + host + "/api/v3"}, more)
	}
	for name, c := range map[string]struct {
		env   []string
		warns bool
	}{
		"github.com":            {hub, false},
		"Enterprise":            {server("https://git.corp.example"), true},
		"Enterprise, a domain":  {server("https://git.corp.example", "LATCHKEY_GITHUB_EMAIL_DOMAINS=corp.example"), false},
		"a stand-in, by name":   {server("http://localhost:9000"), false},
		"a stand-in, by number": {server("http://127.0.0.1:9000"), false},
	} {
		if warnings := strings.Join(load(t, c.env...).Warnings(), "\n"); strings.Contains(warnings, "LATCHKEY_GITHUB_EMAIL_DOMAINS") != c.warns {
			t.Errorf("%s: %q", name, warnings)
		}
	}
}

func TestRulesAboutSignUp(t *testing.T) {
	t.Parallel()
	c := load(t)
	if c.SignUp != config.SignUpOpen || c.AllowedEmailDomains != nil {
		t.Errorf("by default: %q, %#v", c.SignUp, c.AllowedEmailDomains)
	}
	c = load(t, append(hub, "LATCHKEY_SIGN_UP=invited", "LATCHKEY_ALLOWED_EMAIL_DOMAINS=Acme.com, acme.org", "LATCHKEY_SIWE_ALLOWED_EMAIL_DOMAINS=any",
		"LATCHKEY_EMAIL_SIGN_UP=closed", "LATCHKEY_GITHUB_SIGN_UP=open", "LATCHKEY_GITHUB_ALLOWED_EMAIL_DOMAINS=any",
		"LATCHKEY_OIDC_CORP_CLIENT_ID=c", "LATCHKEY_OIDC_CORP_ISSUER=https://corp.example", "LATCHKEY_OIDC_CORP_SIGN_UP=open", "LATCHKEY_OIDC_CORP_ALLOWED_EMAIL_DOMAINS=corp.example")...)
	if c.SignUp != config.SignUpInvited || !slices.Equal(c.AllowedEmailDomains, config.AllowedDomains{"acme.com", "acme.org"}) || c.EmailSignUp != config.SignUpClosed {
		t.Errorf("%q, %q, by e-mail %q", c.SignUp, c.AllowedEmailDomains, c.EmailSignUp)
	}
	if c.SIWEAllowedDomains == nil || len(c.SIWEAllowedDomains) > 0 {
		t.Errorf("any is %#v", c.SIWEAllowedDomains)
	}
	if p := c.Provider("github"); p.SignUp != config.SignUpOpen || p.AllowedEmailDomains == nil || len(p.AllowedEmailDomains) > 0 {
		t.Errorf("GitHub: %q, %#v", p.SignUp, p.AllowedEmailDomains)
	}
	if p := c.Provider("corp"); p.SignUp != config.SignUpOpen || !slices.Equal(p.AllowedEmailDomains, config.AllowedDomains{"corp.example"}) {
		t.Errorf("issuer: %q, %q", p.SignUp, p.AllowedEmailDomains)
	}
	for variable, value := range map[string]string{
		"LATCHKEY_SIGN_UP": "no", "LATCHKEY_ALLOWED_EMAIL_DOMAINS": "*.acme.com", "LATCHKEY_GITHUB_SIGN_UP": "maybe",
		"LATCHKEY_EMAIL_ALLOWED_EMAIL_DOMAINS": "any,acme.com", "LATCHKEY_SIWE_ALLOWED_EMAIL_DOMAINS": "acme.com",
	} {
		if _, err := config.Load(append(slices.Clone(hub), secret, variable+"="+value), false); err == nil || !strings.Contains(err.Error(), variable) {
			t.Errorf("%s=%s: error is %v", variable, value, err)
		}
	}
}
