// Package oauth is what sign-in methods by OAuth 2.0 and OpenID Connect share: the
// exchange of a code, discovery, the HTTP client, claims, and whose addresses a
// provider is an authority for.
package oauth

import (
	"net/netip"
	"net/url"
	"slices"

	"github.com/latchkey/latchkey/identity"
)

// AuthorityKind is how a provider comes to know who owns an address.
type AuthorityKind string

// The kinds. AuthorityNone is an authority for the configured domains only, as
// every issuer is.
const (
	AuthorityNone   AuthorityKind = ""
	AuthorityGoogle AuthorityKind = "google"
	AuthorityGitHub AuthorityKind = "github"
)

// authentic are the hosts whose word the rule of a kind is about.
var authentic = map[AuthorityKind][]string{
	AuthorityGoogle: {"accounts.google.com"},
	AuthorityGitHub: {"github.com", "api.github.com"},
}

// Authority decides for which addresses a provider is an authority. Only those
// are looked up and claimed; all others are shown and nothing else.
type Authority struct {
	Kind    AuthorityKind
	Hosts   []*url.URL // where the provider's word comes from, as configured
	Domains []string   // configured by the operator, canonical; all there is, if any
}

// Covers reports whether the provider is an authority for the address it claims.
//
//   - The operator's domains decide alone where there are any.
//   - Google, at its own issuer, is one for gmail.com, and for a domain it hosts.
//   - GitHub, at github.com, is one for every address it has verified.
//   - An Enterprise Server, another issuer under Google's name and any other
//     issuer are one for nothing but configured domains: their operators can
//     say anything.
//
// A loopback host counts as the provider itself, in development and in tests.
func (a Authority) Covers(c Claims) bool {
	if !c.EmailVerified || c.Email == "" {
		return false
	}
	domain := identity.EmailDomain(c.Email)
	if len(a.Domains) > 0 {
		return slices.Contains(a.Domains, domain)
	}
	if !a.genuine() {
		return false
	}
	switch a.Kind {
	case AuthorityGoogle:
		return googleHosts(domain, c.HostedDomain)
	case AuthorityGitHub:
		return true
	}
	return false
}

// genuine reports whether every host is the kind's own, or loopback.
func (a Authority) genuine() bool {
	return len(a.Hosts) > 0 && !slices.ContainsFunc(a.Hosts, func(u *url.URL) bool {
		own := u.Scheme == "https" && u.Port() == "" && slices.Contains(authentic[a.Kind], u.Hostname())
		return !own && !loopback(u.Hostname())
	})
}

// googleHosts follows Google's guide "Verify the Google ID token": it is an
// authority for @gmail.com, and for an address with email_verified and `hd`,
// because then it hosts the mailbox. Any other Google account may carry an
// address of somebody else's mail server, verified once, long ago: the mailbox
// may have another owner by now.
//
// Beyond the guide, `hd` must be the very domain of the address. `hd` says which
// organisation the account belongs to, not that the address is in that
// organisation's domain; only with both equal does Google host the mailbox
// for certain. A Workspace whose people use a secondary domain loses automatic
// linking, not sign-in.
//
// googlemail.com is gmail.com under its older name, of the same mailboxes.
func googleHosts(domain, hd string) bool {
	if domain == "gmail.com" || domain == "googlemail.com" {
		return true
	}
	hosted, err := identity.CanonicalEmail("postmaster@" + hd)
	return err == nil && identity.EmailDomain(hosted) == domain
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}
