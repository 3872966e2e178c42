package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/latchkey/latchkey/identity"
)

// Trust is what counts as proof of an address although the source does not say that
// it is verified. By default nothing does: somebody who typed another person's address
// at the source would own it here.
type Trust struct {
	// Addresses takes every address of the source for verified.
	Addresses bool
	// Providers take an address for verified that comes from an account there, where
	// the provider is an authority for it: the domains, besides the provider's own
	// rule. Google's is gmail.com, and GitHub's every address but noreply.
	Providers map[string][]string
}

// ParseTrust reads PROVIDER or PROVIDER=DOMAIN+DOMAIN.
func ParseTrust(values []string) (Trust, error) {
	t := Trust{Providers: map[string][]string{}}
	for _, value := range values {
		name, list, given := strings.Cut(strings.ToLower(strings.TrimSpace(value)), "=")
		if !providerName.MatchString(name) || given && list == "" {
			return t, fmt.Errorf("--trust: %q is not PROVIDER or PROVIDER=DOMAIN+DOMAIN", value)
		}
		if !given && name != identity.ProviderGoogle && name != identity.ProviderGitHub {
			return t, fmt.Errorf("--trust: of %s say for which domains it is an authority, such as %s=acme.com", name, name)
		}
		domains := t.Providers[name]
		for domain := range strings.SplitSeq(list, "+") {
			if domain == "" {
				continue
			}
			address, err := identity.CanonicalEmail("postmaster@" + domain)
			if err != nil {
				return t, fmt.Errorf("--trust: %q is no domain", domain)
			}
			domains = append(domains, identity.EmailDomain(address))
		}
		t.Providers[name] = domains
	}
	return t, nil
}

// covers reports whether an account of the provider proves the address.
func (t Trust) covers(provider, address string) bool {
	domains, trusted := t.Providers[provider]
	if !trusted {
		return false
	}
	domain := identity.EmailDomain(address)
	if slices.Contains(domains, domain) {
		return true
	}
	switch provider {
	case identity.ProviderGoogle:
		return domain == "gmail.com" || domain == "googlemail.com"
	case identity.ProviderGitHub:
		return domain != "users.noreply.github.com"
	}
	return false
}

// proves reports whether the accounts prove an address of their person. Where the
// source keeps no address with an account, any of them may have brought it, and each
// has to be trusted: else an untrusted provider, or a form, could have named the
// address, and an account of a trusted one was linked later.
func (t Trust) proves(accounts []linkedAccount, address string) bool {
	silent, covered := 0, 0
	for _, a := range accounts {
		switch {
		case a.wallet != nil:
		case a.shown == address && !a.Denied && t.covers(a.provider, address):
			return true
		case a.shown == address && a.shown != "":
			silent++ // somebody who is not trusted said so
		case a.shown == "":
			silent++
			if t.covers(a.provider, address) {
				covered++
			}
		}
	}
	return silent > 0 && covered == silent
}
