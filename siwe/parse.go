package siwe

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// Parse reads an EIP-4361 text. It refuses, with a *[Error] of kind Malformed
// that names the field, a text that is longer than [MaxMessageBytes], is outside
// the grammar, or would not be written again by [Message.String] as exactly the
// same bytes. It checks the text only; [Verify] checks what it proves.
//
// It accepts more than the grammar in one place: a statement may have any
// printable character, because applications write, and wallets sign, more than
// ASCII.
func Parse(raw string) (*Message, error) {
	if len(raw) > MaxMessageBytes {
		return nil, malformed(FieldMessage, "is longer than 8 KiB")
	}
	if err := checkText(raw); err != nil {
		return nil, err
	}
	scheme, text := cutScheme(raw)
	m, ok := splitFields(text)
	if !ok {
		return nil, notEIP4361(text, "is not as EIP-4361 writes it")
	}
	m.Scheme = scheme
	if err := m.check(); err != nil {
		return nil, err
	}
	// Any field that was read in another form than it would be written shows here.
	if m.String() != raw {
		return nil, notEIP4361(text, "is not in canonical form")
	}
	return m, nil
}

func cutScheme(raw string) (scheme, rest string) {
	header, _, _ := strings.Cut(raw, "\n")
	if scheme, _, ok := strings.Cut(header, "://"); ok {
		return scheme, raw[len(scheme)+len("://"):]
	}
	return "", raw
}

// splitFields reads a text without its scheme, line by line. It only finds the
// fields; check checks their contents.
func splitFields(text string) (*Message, bool) {
	l := lines(text)
	m := &Message{Version: Version}
	var ok bool
	if m.Domain, ok = strings.CutSuffix(l.next(), headerTail); !ok {
		return nil, false
	}
	address := l.next()
	if !common.IsHexAddress(address) || l.next() != "" {
		return nil, false
	}
	m.Address = common.HexToAddress(address)
	// One more empty line without a statement, or the statement and an empty line.
	statement := l.next()
	if m.HasStatement = l.cut(""); m.HasStatement {
		m.Statement = statement
	} else if statement != "" {
		return nil, false
	}
	var chain string
	if !l.field("URI: ", &m.URI) || !l.cut("Version: "+Version) || !l.field("Chain ID: ", &chain) ||
		!l.field("Nonce: ", &m.Nonce) || !l.field("Issued At: ", &m.issuedAt) {
		return nil, false
	}
	m.URI = canonicalURI(m.URI)
	var err error
	if m.ChainID, err = strconv.ParseUint(chain, 10, 64); err != nil {
		return nil, false
	}
	if m.IssuedAt, err = parseTime(m.issuedAt); err != nil {
		return nil, false
	}
	if !l.time("Expiration Time: ", &m.expirationTime, &m.ExpirationTime) || !l.time("Not Before: ", &m.notBefore, &m.NotBefore) {
		return nil, false
	}
	if id := ""; l.field("Request ID: ", &id) {
		m.RequestID = &id
	}
	if l.cut("Resources:") {
		m.Resources = []string{}
		for r := ""; l.field("- ", &r); {
			m.Resources = append(m.Resources, canonicalURI(r))
		}
	}
	return m, l == end
}

// canonicalURI returns a URI as package url writes it. A URI that this changes
// makes String return another text, and so the message is refused.
func canonicalURI(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return uri // check refuses it
	}
	return u.String()
}

// lines is the rest of a text. A text does not end with a newline, so its end is
// marked by a byte that no text has, to distinguish it from an empty line.
type lines string

const end lines = "\x00"

func (l *lines) next() string {
	if *l == end {
		return string(end)
	}
	line, rest, more := strings.Cut(string(*l), "\n")
	if *l = lines(rest); !more {
		*l = end
	}
	return line
}

// cut skips the next line if it equals line.
func (l *lines) cut(line string) bool {
	rest := *l
	if rest.next() != line {
		return false
	}
	*l = rest
	return true
}

// field reads the next line if it starts with prefix.
func (l *lines) field(prefix string, value *string) bool {
	rest := *l
	v, ok := strings.CutPrefix(rest.next(), prefix)
	if ok {
		*l, *value = rest, v
	}
	return ok
}

// time reads an optional time. It returns false if the field is there and is not
// a time.
func (l *lines) time(prefix string, written *string, t **time.Time) bool {
	if !l.field(prefix, written) {
		return true
	}
	parsed, err := parseTime(*written)
	*t = &parsed
	return err == nil
}

const notATime = "is not an RFC 3339 date and time"
