package devmode

import (
	"crypto/sha256"
	"encoding/binary"
	"net/url"
	"strconv"
	"strings"

	"github.com/latchkey/latchkey/identity"
)

const maxField = 254 // bytes of anything one types

// person is who somebody says they are.
type person struct {
	Name         string
	Email        string
	Verified     bool
	HostedDomain string // Google only
	Subject      string
}

// readPerson reads the form. The message tells what to mend, "" if nothing.
func readPerson(kind string, form url.Values) (p person, message string) {
	field := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	p = person{
		Name:     field("name"),
		Email:    field("email"),
		Verified: form.Get("email_verified") == "true",
		Subject:  field("sub"),
	}
	if kind == identity.ProviderGoogle {
		p.HostedDomain = field("hd")
	}
	for _, s := range []string{p.Name, p.Email, p.HostedDomain, p.Subject} {
		if len(s) > maxField {
			return p, "That is longer than anything real."
		}
	}
	switch {
	case p.Email != "" && !strings.Contains(p.Email, "@"):
		return p, "The e-mail address has no @."
	case p.Email == "" && p.Subject == "":
		return p, "Type an e-mail address, or a subject for somebody without one."
	case p.Email == "" && p.Verified:
		return p, "There is no address to be verified."
	case strings.ContainsFunc(p.Subject, func(c rune) bool { return c <= ' ' || c >= 0x7f }):
		return p, "A subject is printable ASCII without spaces."
	}
	if kind == identity.ProviderGitHub && p.Subject != "" {
		n, err := strconv.ParseInt(p.Subject, 10, 64)
		if err != nil || n <= 0 {
			return p, "A GitHub account has a positive whole number."
		}
		p.Subject = strconv.FormatInt(n, 10)
	}
	return p, ""
}

// identified gives a person without a subject the one that belongs to the
// address: the same address is the same account, on every run.
func (p person) identified(kind string) person {
	if p.Subject == "" {
		p.Subject = subjectOf(kind, p.Email)
	}
	return p
}

// subjectOf derives digits, as both providers use them: few for GitHub, whose
// ids are counted up; 21 for Google.
func subjectOf(kind, email string) string {
	sum := sha256.Sum256([]byte(kind + "\n" + strings.ToLower(email)))
	n := binary.BigEndian.Uint64(sum[:8])
	if kind == identity.ProviderGitHub {
		return strconv.FormatUint(1_000_000+n%1_000_000_000, 10)
	}
	// 10^18 to 10^19-1 are 19 digits; Google's own begin with 10 or 11.
	return "10" + strconv.FormatUint(1_000_000_000_000_000_000+n%9_000_000_000_000_000_000, 10)
}

// login is a GitHub login made of the address.
func (p person) login() string {
	local, _, _ := strings.Cut(p.Email, "@")
	login := strings.Map(func(c rune) rune {
		if c < 0x80 && (c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') {
			return c
		}
		return '-'
	}, local)
	if login = strings.Trim(login, "-"); login == "" {
		login = "user-" + p.Subject
	}
	return login
}
