package siwe

import (
	"strconv"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// MaxMessageBytes is the maximum length of a message, which is checked first.
// Real messages have 200 to 1000 bytes; the rest is room for resources.
const MaxMessageBytes = 8 << 10

// Version is the only version EIP-4361 has.
const Version = "1"

// Message is an EIP-4361 message, field by field, in the order of the text.
type Message struct {
	Scheme  string         // RFC 3986 scheme of the header; "" when it has none
	Domain  string         // RFC 3986 authority that requests the signature
	Address common.Address // written in its EIP-55 form
	// Statement is one line of printable text. HasStatement distinguishes an empty
	// one, which the grammar allows, from none; it need not be set with a text.
	Statement      string
	HasStatement   bool
	URI            string // RFC 3986, the subject of the signing
	Version        string // always "1"; Build takes "" for it too
	ChainID        uint64 // EIP-155, 1 to 2^63-1
	Nonce          string // at least 8 ASCII letters and digits
	IssuedAt       time.Time
	ExpirationTime *time.Time
	NotBefore      *time.Time
	RequestID      *string  // RFC 3986 pchars, may be empty
	Resources      []string // RFC 3986 URIs; nil and empty differ: the latter writes the bare heading

	// The times as a parsed message wrote them. RFC 3339 has many spellings of one
	// instant, and String must return the same text.
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

// timeText returns the text that a time was parsed from. If the field was changed
// since, or the message was not parsed, it returns the time in UTC.
func timeText(parsed string, t time.Time) string {
	if was, err := parseTime(parsed); err == nil && was.Equal(t) {
		return parsed
	}
	return t.UTC().Format(time.RFC3339Nano)
}
