package solana

import (
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"github.com/latchkey/latchkey/siwe"
)

// Message is a text that asks to sign in with a Solana account, as the Wallet Standard's
// signIn writes it and CAIP-122 has it for Solana. It is an EIP-4361 text except for the
// first line, the address and the chain id, which are no Ethereum ones.
type Message struct {
	siwe.Message        // without Scheme, Address and ChainID
	Account      string // base 58, 32 bytes
	Chain        string // as it was written, see Network.is
	// Spaced reports whether two empty lines stand for an absent statement, as EIP-4361
	// has it. The Wallet Standard writes one.
	Spaced bool
}

const (
	headerTail   = " wants you to sign in with your Solana account:"
	ethereumTail = " wants you to sign in with your Ethereum account:"
	chainLine    = "\nVersion: " + siwe.Version + "\nChain ID: "
)

// standIn is what package siwe reads in the place of an account.
var standIn = common.HexToAddress("0x1").Hex()

// String returns the text. For a parsed message these are exactly the bytes that were
// parsed. It does not check the fields.
func (m *Message) String() string {
	ethereum := m.Message
	ethereum.Version, ethereum.ChainID, ethereum.Address, ethereum.Scheme = siwe.Version, 1, common.HexToAddress(standIn), ""
	_, rest, _ := strings.Cut(ethereum.String(), standIn+"\n")
	if !m.HasStatement && m.Statement == "" && !m.Spaced {
		rest = strings.TrimPrefix(rest, "\n")
	}
	before, after, _ := strings.Cut(rest, chainLine+"1")
	return m.Domain + headerTail + "\n" + m.Account + "\n" + before + chainLine + m.Chain + after
}

// Parse reads a text. It refuses, with a *siwe.Error of kind Malformed that names the
// field, one that is longer than siwe.MaxMessageBytes, has other fields or another order
// than the standards have, or would not be written again by String as the same bytes.
func Parse(raw string) (*Message, error) {
	if len(raw) > siwe.MaxMessageBytes {
		return nil, malformed(siwe.FieldMessage, "is longer than 8 KiB")
	}
	header, rest, _ := strings.Cut(raw, "\n")
	domain, ok := strings.CutSuffix(header, headerTail)
	if !ok {
		return nil, malformed(siwe.FieldDomain, `the first line must be the domain, such as app.example.com, followed by "`+headerTail+`", as the Wallet Standard writes it`)
	}
	m := &Message{}
	m.Account, rest, _ = strings.Cut(rest, "\n")
	if _, ok := decode58(m.Account, keyBytes); !ok {
		return nil, malformed(siwe.FieldAddress, "the second line must be the address alone: 32 bytes in base 58")
	}
	// A statement is one line, so what is found is of the fields.
	before, after, ok := strings.Cut(rest, chainLine)
	if !ok {
		field := siwe.FieldVersion
		if strings.Contains(rest, "\nVersion: "+siwe.Version+"\n") {
			field = siwe.FieldChainID
		}
		return nil, malformed(field, `the line "Version: 1" and one that begins with "Chain ID: " must follow the URI`)
	}
	end := strings.IndexByte(after, '\n')
	if end < 0 {
		end = len(after)
	}
	if m.Chain, after = after[:end], after[end:]; !isChain(m.Chain) {
		return nil, malformed(siwe.FieldChainID, "must be a network, such as solana:mainnet")
	}
	switch {
	case strings.HasPrefix(before, "\n\nURI: "):
		m.Spaced = true
	case strings.HasPrefix(before, "\nURI: "):
		before = "\n" + before
	}
	read, err := siwe.Parse(domain + ethereumTail + "\n" + standIn + "\n" + before + chainLine + "1" + after)
	if err != nil {
		return nil, err
	}
	m.Message = *read
	switch {
	case m.Scheme != "":
		return nil, malformed(siwe.FieldDomain, "must have no scheme before it")
	case m.HasStatement && m.Statement == "":
		return nil, malformed(siwe.FieldStatement, "is empty: leave it out")
	case m.String() != raw:
		return nil, malformed(siwe.FieldMessage, "is not in canonical form")
	}
	return m, nil
}

// isChain reports whether a text has the characters of CAIP-2.
func isChain(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r > 'z' || r != ':' && r != '-' && r != '_' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	})
}

// Build returns the text of a message, ready to be signed. A field that is outside the
// grammar is refused with a *siwe.Error.
func Build(m Message) (string, error) {
	text := m.String()
	_, err := Parse(text)
	return text, err
}

func malformed(field, reason string) *siwe.Error {
	return &siwe.Error{Field: field, Kind: siwe.Malformed, Reason: reason}
}

func rejected(field, reason string) *siwe.Error {
	return &siwe.Error{Field: field, Kind: siwe.Rejected, Reason: reason}
}
