package apikey

import (
	"fmt"
	"regexp"
	"slices"

	"golang.org/x/net/publicsuffix"

	"github.com/latchkey/latchkey/identity"
)

// maxEmailDomains is how many domains are listed with a key.
const maxEmailDomains = 50

var backendName = regexp.MustCompile(`^` + identity.BackendPrefix + `[a-z0-9](-?[a-z0-9])*$`)

// IsBackendName reports whether a provider can be an application's own backend.
func IsBackendName(provider string) bool {
	return len(provider) <= 40 && backendName.MatchString(provider)
}

// publicMail are domains in which anyone can have an address: a backend that vouches for
// one of them would open accounts of people it does not know.
var publicMail = []string{
	"163.com", "126.com", "aim.com", "aol.com", "daum.net", "duck.com", "fastmail.com", "fastmail.fm", "free.fr", "freenet.de",
	"gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hanmail.net", "hey.com", "hotmail.co.uk",
	"hotmail.com", "hotmail.de", "hotmail.es", "hotmail.fr", "hotmail.it", "hushmail.com", "icloud.com", "inbox.ru", "laposte.net",
	"libero.it", "list.ru", "live.co.uk", "live.com", "live.fr", "live.nl", "mac.com", "mail.com", "mail.de", "mail.ru", "mailbox.org",
	"me.com", "msn.com", "naver.com", "o2.pl", "onet.pl", "orange.fr", "outlook.com", "outlook.de", "outlook.fr", "pm.me", "posteo.de",
	"proton.me", "protonmail.ch", "protonmail.com", "qq.com", "rambler.ru", "rediffmail.com", "rocketmail.com", "seznam.cz", "sina.com",
	"t-online.de", "tuta.com", "tuta.io", "tutanota.com", "tutanota.de", "ukr.net", "virgilio.it", "web.de", "wp.pl", "yahoo.ca",
	"yahoo.co.in", "yahoo.co.jp", "yahoo.co.uk", "yahoo.com", "yahoo.com.au", "yahoo.com.br", "yahoo.de", "yahoo.es", "yahoo.fr",
	"yahoo.it", "yandex.com", "yandex.ru", "ya.ru", "ymail.com", "zoho.com", "zohomail.com",
}

// proofs checks what a key has with ScopeProofsWrite, and returns its domains in
// canonical form.
func (n New) proofs() (identity.Words, error) {
	if !slices.Contains(n.Scopes, ScopeProofsWrite) {
		if n.Proves != "" || len(n.EmailDomains) > 0 {
			return nil, invalid("proves", "only a key with the scope proofs:write vouches for people")
		}
		return nil, nil
	}
	if !IsBackendName(n.Proves) {
		return nil, invalid("proves", "a key with the scope proofs:write names the provider that it vouches for people as: backend: and a name of lower case letters, digits and hyphens")
	}
	if len(n.EmailDomains) > maxEmailDomains {
		return nil, invalid("email_domains", fmt.Sprintf("a key has at most %d domains", maxEmailDomains))
	}
	var out identity.Words
	for _, d := range n.EmailDomains {
		address, err := identity.CanonicalEmail("postmaster@" + d)
		if err != nil || identity.EmailDomain(address) == "" || len(address) <= len("postmaster@") {
			return nil, invalid("email_domains", fmt.Sprintf("%.100q is not a domain, such as acme.com", d))
		}
		domain := identity.EmailDomain(address)
		if suffix, _ := publicsuffix.PublicSuffix(domain); suffix == domain || slices.Contains(publicMail, domain) {
			return nil, invalid("email_domains", fmt.Sprintf("anyone can have an address of %.100s: a backend cannot vouch for those", domain))
		}
		out = out.With([]string{domain})
	}
	return out, nil
}
