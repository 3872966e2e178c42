package config

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// PasskeyDomain returns the RP ID of passkeys, or "" where browsers have none: at an IP
// address.
func (c Config) PasskeyDomain() string {
	if c.PasskeyRPID != "" {
		return c.PasskeyRPID
	}
	host := c.PublicURL.Hostname()
	if _, err := netip.ParseAddr(host); err == nil {
		return ""
	}
	return host
}

// PasskeyPages returns the origins whose pages may ask for passkeys, the public one first.
func (c Config) PasskeyPages() []string {
	others := c.PasskeyOrigins
	if others == nil {
		others = c.AllowedOrigins
	}
	return append([]string{c.PublicURL.Scheme + "://" + c.PublicURL.Host}, others...)
}

// checkPasskeys accepts what browsers accept: the public host, or a parent of it that
// belongs to one owner.
func (c *Config) checkPasskeys(problems *problems) {
	const name, origins = "LATCHKEY_PASSKEY_RP_ID", "LATCHKEY_PASSKEY_ORIGINS"
	if !problems.has("LATCHKEY_ALLOWED_ORIGINS") && !problems.has(origins) {
		for _, origin := range c.PasskeyOrigins {
			if !slices.Contains(c.AllowedOrigins, origin) {
				problems.add(origins, "has %.100q, which is not in LATCHKEY_ALLOWED_ORIGINS; add it there, or remove it here", origin)
			}
		}
	}
	domain, host := c.PasskeyRPID, c.PublicURL.Hostname()
	if domain == "" || problems.has("LATCHKEY_PUBLIC_URL") {
		return
	}
	suffix, _ := publicsuffix.PublicSuffix(domain)
	switch _, err := netip.ParseAddr(domain); {
	case !hostname.MatchString(domain) || err == nil:
		problems.add(name, "is %.100q; give a DNS name in lower case without a dot in front, such as example.com", domain)
	case domain != host && !strings.HasSuffix(host, "."+domain):
		problems.add(name, "is %.100q, which is neither %s nor a parent of it; browsers would refuse the passkeys", domain, host)
	case suffix == domain && domain != host:
		problems.add(name, "is %.100q, under which anyone can register a name; give a domain of your own", domain)
	}
}
