package methods_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/oidc"
	"github.com/latchkey/latchkey/internal/methods"
)

var nameInPaths = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

// Every method of the list is whole: a provider can be made from its defaults, probed
// and stood in for, and no two have one name.
func TestEveryMethodIsWhole(t *testing.T) {
	t.Parallel()
	seen, kinds := map[string]bool{}, map[method.Kind]int{}
	for _, s := range append(methods.All(), oidc.Spec("sso")) {
		for _, name := range append([]string{s.Name}, s.ImportNames...) {
			if seen[name] {
				t.Errorf("%s: the name %s is taken", s.Name, name)
			}
			seen[name] = true
		}
		if !nameInPaths.MatchString(s.Name) {
			t.Errorf("%q is no name", s.Name)
		}
		if s.Kind != method.ByRedirect {
			if s.New != nil || s.Label != "" || len(s.Settings) > 0 {
				t.Errorf("%s has what only providers have", s.Name)
			}
			kinds[s.Kind]++
			continue
		}
		if s.Label == "" {
			t.Errorf("%s has no label", s.Name)
		}
		urls := map[string]string{}
		for _, setting := range s.Settings {
			if setting.Doc == "" || setting.Name == "" || setting.Name != strings.ToUpper(setting.Name) {
				t.Errorf("%s: setting %+v", s.Name, setting)
			}
			if setting.Kind == method.SettingURL {
				if urls[setting.Name] = setting.Default; setting.Required {
					urls[setting.Name] = "https://issuer.example"
				}
			}
		}
		o := method.Options{Name: s.Name, ClientID: "c", ClientSecret: "s", URLs: urls}
		p, err := s.New(o)
		if err != nil || p.Name() != s.Name {
			t.Errorf("%s: %v", s.Name, err)
		}
		probes := s.Probes(o)
		for _, probe := range probes {
			if u, err := url.Parse(probe.URL); err != nil || u.Scheme != "https" || urls[probe.Setting] == "" {
				t.Errorf("%s: probe %+v", s.Name, probe)
			}
		}
		d := s.Standin
		if len(probes) == 0 || d.URLs == nil || d.Subject == nil || d.OpenID == (d.Claims == nil) || !d.OpenID && (d.Authorize == "" || d.Token == "" || len(d.API) == 0) {
			t.Errorf("%s cannot be probed or stood in for", s.Name)
		}
		if s.Subject != nil && !s.Subject(d.Subject(1<<63)) {
			t.Errorf("%s does not take the id %s of its own stand-in", s.Name, d.Subject(1<<63))
		}
	}
	if kinds[method.ByEmail] != 1 || kinds[method.ByWallet] != 1 || kinds[method.ByPasskey] != 1 || kinds[method.BySolana] != 1 || len(kinds) != 4 {
		t.Errorf("besides providers there are %v", kinds)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{ //nolint:gocritic // spaces around a name are what is tested
		"google": "google", " GitHub ": "github", "azure-ad": "microsoft", "siwe": "siwe", "Wallet": "siwe", "email": "email", "credentials": "email", "": "", "sso": "", "oidc": "",
	} {
		if s, ok := methods.Imported(name); s.Name != want || ok != (want != "") {
			t.Errorf("%q is %q", name, s.Name)
		}
	}
	for name, want := range map[string]bool{"google": true, "microsoft": true, "siwe": true, "email": true, "recovery": true, "import": true, "keycloak": false} {
		if methods.Reserved(name) != want {
			t.Errorf("%s: want %t", name, want)
		}
	}
}
