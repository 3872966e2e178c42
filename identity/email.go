package identity

import (
	"net/mail"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

const maxEmailBytes = 254 // RFC 5321 4.5.3.1.3 less the angle brackets

// CanonicalEmail returns the one form in which an address is stored and
// compared, byte for byte: the ASCII local part in lower case, the domain in
// its IDNA2008 ASCII form. It is the only place that decides this.
//
// Dots and plus tags are kept: only the receiving domain knows what they mean.
// Local parts outside ASCII are refused, because case folding differs between
// languages, databases and mail servers (CVE-2019-19844), and so are quoted
// local parts, comments, lists, domain literals and single-label domains.
// The error is a *Error with CodeInvalidEmail.
func CanonicalEmail(address string) (string, error) {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || len(address) > maxEmailBytes || len(local) == 0 || len(local) > 64 || !dotAtom(local) {
		return "", errInvalidEmail()
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !utf8.ValidString(domain) || !labels(ascii) {
		return "", errInvalidEmail()
	}
	canonical := lowerASCII(local) + "@" + lowerASCII(ascii)
	if len(canonical) > maxEmailBytes { // longer than what came: ASCII spells letters out
		return "", errInvalidEmail()
	}
	// A second, independent parser must read the same single address.
	if parsed, err := mail.ParseAddress(canonical); err != nil || parsed.Address != canonical || parsed.Name != "" {
		return "", errInvalidEmail()
	}
	return canonical, nil
}

func errInvalidEmail() error {
	return NewError(CodeInvalidEmail, "this is not an e-mail address Latchkey accepts")
}

// EmailDomain returns the part of a canonical address behind the @.
func EmailDomain(canonical string) string {
	return canonical[strings.LastIndexByte(canonical, '@')+1:]
}

// labels reports whether an ASCII domain has two labels or more, none of them
// empty or longer than the DNS takes.
func labels(domain string) bool {
	all := strings.Split(domain, ".")
	for _, label := range all {
		if label == "" || len(label) > 63 {
			return false
		}
	}
	return len(all) > 1
}

// dotAtom reports whether s is a dot-atom of RFC 5322 3.2.3.
func dotAtom(s string) bool {
	for _, atom := range strings.Split(s, ".") {
		if atom == "" {
			return false
		}
		for i := range len(atom) {
			c := atom[i]
			if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
				strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0) {
				return false
			}
		}
	}
	return true
}

// lowerASCII lowers A to Z only: strings.ToLower turns U+0130 and U+212A into
// ASCII letters.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
