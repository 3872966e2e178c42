package siwe

import (
	"strconv"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// MaxMessageBytes bounds a message before anything looks at it. Real ones have
// 200 to 1000 bytes; the rest is room for resources.
const MaxMessageBytes = 8 << 10

// Version is the only version EIP-4361 has.
const Version = "1"

// Message is an EIP-4361 message, field by field, in the order of the text.
type Message struct {
	Scheme  string         // RFC 3986 scheme of the header; "" when it has none
	Domain  string         // RFC 3986 authority that asks for the signing
	Address common.Address // written in its EIP-55 form
	// Statement is one line of printable text. HasStatement tells an empty one,
	// which the grammar allows, from none; it need not be set with a text.
	Statement      string
	HasStatement   bool
	URI            string // RFC 3986, about which is signed
	Version        string // always "1"; Build takes "" for it too
	ChainID        uint64 // EIP-155, 1 to 2^63-1
	Nonce          string // at least 8 ASCII letters and digits
	IssuedAt       time.Time
	ExpirationTime *time.Time
	NotBefore      *time.Time
	RequestID      *string  // RFC 3986 pchars, may be empty
	Resources      []string // RFC 3986 URIs; nil and empty differ: the latter writes the bare heading

	// How a parsed message wrote its times. RFC 3339 has many spellings of one
	// instant, and the text must come out again as it went in.
	issuedAt, expirationTime, notBefore string
}

const headerTail = " wants you to sign in with your Ethereum account:"

// String returns the EIP-4361 text. For a parsed message these are exactly the
// bytes that were parsed. It does not check the fields: see [Build].
func (m *Message) String() string {
	var b strings.Builder
	if m.Scheme != "" {
		b.WriteString(m.Scheme + "://")
	}
	b.WriteString(m.Domain + headerTail + "\n" + m.Address.Hex() + "\n\n")
	if m.HasStatement || m.Statement != "" {
		b.WriteString(m.Statement + "\n")
	}
	b.WriteString("\nURI: " + m.URI +
		"\nVersion: " + m.Version +
		"\nChain ID: " + strconv.FormatUint(m.ChainID, 10) +
		"\nNonce: " + m.Nonce +
		"\nIssued At: " + timeText(m.issuedAt, m.IssuedAt))
	if m.ExpirationTime != nil {
		b.WriteString("\nExpiration Time: " + timeText(m.expirationTime, *m.ExpirationTime))
	}
	if m.NotBefore != nil {
		b.WriteString("\nNot Before: " + timeText(m.notBefore, *m.NotBefore))
	}
	if m.RequestID != nil {
		b.WriteString("\nRequest ID: " + *m.RequestID)
	}
	if m.Resources != nil {
		b.WriteString("\nResources:")
		for _, r := range m.Resources {
			b.WriteString("\n- " + r)
		}
	}
	return b.String()
}

// timeText returns the spelling a time was parsed from, unless the field has
// been changed since; then, and for a message made here, UTC.
func timeText(parsed string, t time.Time) string {
	if was, err := parseTime(parsed); err == nil && was.Equal(t) {
		return parsed
	}
	return t.UTC().Format(time.RFC3339Nano)
}
