package devmode

import (
	"crypto/sha256"
	"encoding/binary"
	"net/url"
	"strings"

	"github.com/latchkey/latchkey/identity/method"
)

const maxField = 254 // bytes of anything one types

// person is who somebody says they are.
type person = method.Person

// readPerson reads the form. The message says what to fix, "" for nothing.
func (s *Standin) readPerson(form url.Values) (p person, message string) {
	field := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	p = person{
		Name:     field("name"),
		Email:    field("email"),
		Verified: form.Get("email_verified") == "true",
		Subject:  field("sub"),
	}
	if s.HostedDomain {
		p.HostedDomain = field("hd")
	}
	for _, typed := range []string{p.Name, p.Email, p.HostedDomain, p.Subject} {
		if len(typed) > maxField {
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
	if s.ParseSubject != nil && p.Subject != "" {
		id, ok := s.ParseSubject(p.Subject)
		if !ok {
			return p, "An account of " + s.title + " has a positive whole number."
		}
		p.Subject = id
	}
	return p, ""
}

// identified gives a person without a subject the one that belongs to the
// address: the same address is the same account, on every run.
func (s *Standin) identified(p person) person {
	if p.Subject == "" {
		p.Subject = s.subjectOf(p.Email)
	}
	return p
}

func (s *Standin) subjectOf(email string) string {
	sum := sha256.Sum256([]byte(s.name + "\n" + strings.ToLower(email)))
	return s.Subject(binary.BigEndian.Uint64(sum[:8]))
}
