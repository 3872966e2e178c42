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
