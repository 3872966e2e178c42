package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/config"
)

func TestPasskeys(t *testing.T) {
	t.Parallel()
	const at = "LATCHKEY_PUBLIC_URL=https://id.example.co.uk"
	for name, c := range map[string]struct {
		env    []string
		domain string
		pages  []string
		wrong  string // what the error has, "" for none
	}{
		"the public host":         {[]string{at}, "id.example.co.uk", []string{"https://id.example.co.uk"}, ""},
		"localhost":               {nil, "localhost", []string{"http://localhost:8080"}, ""},
		"none at an address":      {[]string{"LATCHKEY_PUBLIC_URL=https://192.0.2.1"}, "", []string{"https://192.0.2.1"}, ""},
		"a parent":                {[]string{at, "LATCHKEY_PASSKEY_RP_ID=example.co.uk"}, "example.co.uk", []string{"https://id.example.co.uk"}, ""},
		"allowed origins":         {[]string{at, "LATCHKEY_ALLOWED_ORIGINS=https://a.example,https://b.example"}, "id.example.co.uk", []string{"https://id.example.co.uk", "https://a.example", "https://b.example"}, ""},
		"some of the allowed":     {[]string{at, "LATCHKEY_ALLOWED_ORIGINS=https://a.example,https://b.example", "LATCHKEY_PASSKEY_ORIGINS=https://b.example"}, "id.example.co.uk", []string{"https://id.example.co.uk", "https://b.example"}, ""},
		"an origin that is not":   {env: []string{at, "LATCHKEY_PASSKEY_ORIGINS=https://a.example"}, wrong: "not in LATCHKEY_ALLOWED_ORIGINS"},
		"another host":            {env: []string{at, "LATCHKEY_PASSKEY_RP_ID=example.com"}, wrong: "neither id.example.co.uk nor a parent"},
		"a host that ends alike":  {env: []string{at, "LATCHKEY_PASSKEY_RP_ID=d.example.co.uk"}, wrong: "neither id.example.co.uk nor a parent"},
		"a domain of no one":      {env: []string{at, "LATCHKEY_PASSKEY_RP_ID=co.uk"}, wrong: "under which anyone can register"},
		"an origin instead":       {env: []string{at, "LATCHKEY_PASSKEY_RP_ID=https://id.example.co.uk"}, wrong: "give a DNS name"},
		"an address as the RP ID": {env: []string{"LATCHKEY_PUBLIC_URL=https://192.0.2.1", "LATCHKEY_PASSKEY_RP_ID=192.0.2.1"}, wrong: "give a DNS name"},
		"capitals":                {env: []string{at, "LATCHKEY_PASSKEY_RP_ID=Example.co.uk"}, wrong: "give a DNS name"},
		"another verification":    {env: []string{at, "LATCHKEY_PASSKEY_USER_VERIFICATION=discouraged"}, wrong: "LATCHKEY_PASSKEY_USER_VERIFICATION"},
		"a dot in front":          {env: []string{at, "LATCHKEY_PASSKEY_RP_ID=.example.co.uk"}, wrong: "give a DNS name"},
	} {
		cfg, err := config.Load(append([]string{secret}, c.env...), false)
		switch {
		case c.wrong != "":
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case cfg.PasskeyDomain() != c.domain || !slices.Equal(cfg.PasskeyPages(), c.pages):
			t.Errorf("%s: %q, %q", name, cfg.PasskeyDomain(), cfg.PasskeyPages())
		}
	}
}
