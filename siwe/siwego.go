package siwe

import (
	"math"
	"strings"

	siwego "github.com/spruceid/siwe-go"
)

// writtenBySiweGo is the text as siwe-go, Spruce's implementation, writes the
// same message: a second opinion on what Build hands to wallets. can is false
// for what siwe-go has no words for: a scheme, a part that is there but empty,
// a chain id beyond int.
//
// It writes only. Its parser matches one large regular expression, which takes
// as long as recovering the key, refuses messages that the EIP allows and
// accepts others that it does not write; so Parse reads by itself.
func writtenBySiweGo(m *Message) (text string, can bool) {
	if m.Scheme != "" || m.HasStatement && m.Statement == "" || m.RequestID != nil && *m.RequestID == "" ||
		m.Resources != nil && len(m.Resources) == 0 || m.ChainID > math.MaxInt {
		return "", false
	}
	options := map[string]any{"chainId": int(m.ChainID), "issuedAt": m.issuedAt}
	if m.Statement != "" {
		options["statement"] = m.Statement
	}
	if m.ExpirationTime != nil {
		options["expirationTime"] = m.expirationTime
	}
	if m.NotBefore != nil {
		options["notBefore"] = m.notBefore
	}
	if m.RequestID != nil {
		options["requestId"] = *m.RequestID
	}
	built, err := siwego.InitMessage(m.Domain, m.Address.Hex(), m.URI, m.Nonce, options)
	if err != nil {
		return "", true // it would not write this at all
	}
	text = built.String()
	if len(m.Resources) > 0 {
		// Given to siwe-go they would be parsed and written anew, each a chance to
		// change; how a list is written is not in question.
		text += "\nResources:\n- " + strings.Join(m.Resources, "\n- ")
	}
	return text, true
}
