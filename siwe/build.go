package siwe

import "time"

// Build returns the EIP-4361 text of a message, ready to be shown to a wallet
// and signed (EIP-191 personal_sign). Version may be left empty. The times of
// a message made here are written in UTC.
//
// A field that is outside the grammar, above all one with a newline or another
// control character that could forge the fields after it, is refused
// with a *[Error] of kind Malformed. What Build returns, [Parse] reads back as
// the same message.
func Build(m Message) (string, error) {
	if m.Version == "" {
		m.Version = Version
	}
	if err := m.check(); err != nil {
		return "", err
	}
	for _, f := range []struct {
		name string
		t    *time.Time
	}{{FieldIssuedAt, &m.IssuedAt}, {FieldExpirationTime, m.ExpirationTime}, {FieldNotBefore, m.NotBefore}} {
		// The zero time is a forgotten field, and RFC 3339 has four digits for a year.
		if f.t != nil && (f.t.IsZero() || f.t.UTC().Year() < 1 || f.t.UTC().Year() > 9999) {
			return "", malformed(f.name, notATime)
		}
	}
	text := m.String()
	parsed, err := Parse(text)
	if err != nil {
		return "", err
	}
	if !m.equal(parsed) {
		return "", malformed(FieldMessage, "does not read back as it was given")
	}
	return text, nil
}

// equal reports whether two messages have the same fields. Times are compared as
// instants.
func (m *Message) equal(o *Message) bool {
	if m.Scheme != o.Scheme || m.Domain != o.Domain || m.Address != o.Address || m.Statement != o.Statement ||
		(m.HasStatement || m.Statement != "") != (o.HasStatement || o.Statement != "") ||
		m.URI != o.URI || m.Version != o.Version || m.ChainID != o.ChainID || m.Nonce != o.Nonce ||
		!m.IssuedAt.Equal(o.IssuedAt) || !equalTime(m.ExpirationTime, o.ExpirationTime) || !equalTime(m.NotBefore, o.NotBefore) ||
		(m.RequestID == nil) != (o.RequestID == nil) || m.RequestID != nil && *m.RequestID != *o.RequestID ||
		(m.Resources == nil) != (o.Resources == nil) || len(m.Resources) != len(o.Resources) {
		return false
	}
	for i, r := range m.Resources {
		if r != o.Resources[i] {
			return false
		}
	}
	return true
}

func equalTime(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}
