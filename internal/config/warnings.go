package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/latchkey/latchkey/identity"
)

// Warnings returns a sentence for each setting that is allowed but probably not
// intended.
func (c Config) Warnings() []string {
	out := slices.Clone(c.unknown)
	warn := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if host, _, err := net.SplitHostPort(c.Listen); c.Dev && err == nil && !Loopback(host) {
		warn("LATCHKEY_LISTEN is %s with --dev-allow-remote: everybody who reaches it can sign in as anybody and read all mail", c.Listen)
	}
	if at, ok := publicURLAt(c.Listen); ok && !c.PublicURLSet && at.Port() != c.PublicURL.Port() {
		warn("LATCHKEY_PUBLIC_URL is not set, so it is %s, but LATCHKEY_LISTEN is %s: browsers are refused unless it is where they reach Latchkey", c.PublicURL.String(), c.Listen)
	}
	if p := c.Provider(identity.ProviderGitHub); p.Enabled() && len(p.EmailDomains) == 0 {
		if u, err := url.Parse(p.URLs["URL"]); err == nil && u.Hostname() != "github.com" && !Loopback(u.Hostname()) {
			warn("%s is %s: the addresses of an Enterprise Server are not believed; set %s to the domains that are its users' own", p.Variable("URL"), u, p.Variable("EMAIL_DOMAINS"))
		}
	}
	for _, origin := range c.AllowedOrigins {
		if host, _, _ := strings.Cut(strings.TrimPrefix(origin, "http://"), ":"); strings.HasPrefix(origin, "http://") && !Loopback(host) && !strings.HasPrefix(host, "[") {
			warn("LATCHKEY_ALLOWED_ORIGINS has %s: anyone on the network path can call Latchkey as its visitors; use https", origin)
		}
	}
	for _, p := range c.TrustedProxies {
		if p.Bits() == 0 {
			warn("LATCHKEY_TRUSTED_PROXIES has %s: every client can claim any address; name the proxies only", p)
		}
	}
	return out
}
