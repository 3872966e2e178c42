package siwe

import (
	"crypto/ecdsa"
	"errors"
	"math"
	"net/url"
	"strings"
	"time"

	siwego "github.com/spruceid/siwe-go"
)

// ErrDisagreement is the cause of a refusal for which siwe-go and this package
// came to different answers about one signature.
var ErrDisagreement = errors.New("siwe: siwe-go does not agree")

// verifyEIP191 returns the key that signed the message, or an error if that is
// not the key of the message's address. siwe-go's is
// (*siwego.Message).VerifyEIP191, which panics on a signature of less than 65
// bytes, takes any recovery byte modulo 27, and takes a high s.
type verifyEIP191 func(m *siwego.Message, signature string) (*ecdsa.PublicKey, error)

// asSiweGo returns the message as one of siwe-go, Spruce's implementation. It
// returns nil if siwe-go cannot write exactly the bytes of raw, which are those
// of m: it has no words for a scheme, for a part that is there but empty, for a
// statement of blanks only, or for a chain id beyond int.
//
// siwe-go's parser is not used. It matches one large regular expression, which
// takes as long as recovering the key, refuses messages that the EIP allows and
// accepts others that it does not write.
func (m *Message) asSiweGo(raw string) *siwego.Message {
	if m.Scheme != "" || m.ChainID > math.MaxInt {
		return nil
	}
	options := map[string]any{"chainId": int(m.ChainID), "issuedAt": timeText(m.issuedAt, m.IssuedAt)}
	if m.Statement != "" {
		options["statement"] = m.Statement
	}
	if m.ExpirationTime != nil {
		options["expirationTime"] = timeText(m.expirationTime, *m.ExpirationTime)
	}
	if m.NotBefore != nil {
		options["notBefore"] = timeText(m.notBefore, *m.NotBefore)
	}
	if m.RequestID != nil {
		options["requestId"] = *m.RequestID
	}
	if len(m.Resources) > 0 {
		resources := make([]url.URL, len(m.Resources))
		for i, r := range m.Resources {
			u, err := url.Parse(r)
			if err != nil {
				return nil
			}
			resources[i] = *u
		}
		options["resources"] = resources
	}
	other, err := siwego.InitMessage(m.Domain, m.Address.Hex(), m.URI, m.Nonce, options)
	if err != nil || other.String() != raw {
		return nil
	}
	return other
}

// Samples of what is made for each message. The nonce is as long as any that a
// relying party is known to issue.
var (
	templateNonce = strings.Repeat("0", 80)
	templateTime  = time.Date(2026, 1, 2, 15, 4, 5, 123456789, time.UTC)
)

// CheckTemplate returns an error if messages like m cannot be built, or if
// siwe-go would write them in another way, so that wallets and libraries might
// not agree on what is signed. The address, nonce, times and version of m may
// be left out. It is for what is configured, once, at start; [Build] is for
// each message. The error is a *[Error].
func CheckTemplate(m Message) error {
	if m.Nonce == "" {
		m.Nonce = templateNonce
	}
	if m.IssuedAt.IsZero() {
		m.IssuedAt = templateTime
	}
	if m.ExpirationTime == nil {
		m.ExpirationTime = &templateTime
	}
	text, err := Build(m)
	if err != nil {
		return err
	}
	parsed, err := Parse(text)
	if err != nil {
		return err
	}
	if parsed.asSiweGo(text) == nil {
		return malformed(FieldMessage, "would be written differently by siwe-go")
	}
	return nil
}
