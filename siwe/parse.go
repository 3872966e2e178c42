package siwe

import (
	"strings"
	"time"

	siwego "github.com/spruceid/siwe-go"
)

// Parse reads an EIP-4361 text. It refuses, with a *[Error] of kind Malformed
// that names the field, whatever is longer than [MaxMessageBytes], is outside
// the grammar, or would not be written again by [Message.String] as exactly the
// same bytes. It checks the text only; whether it proves anything, [Verify]
// says.
//
// Wider than the grammar in one place: a statement may have any printable
// character, because wallets sign, and applications write, more than ASCII.
func Parse(raw string) (*Message, error) {
	if len(raw) > MaxMessageBytes {
		return nil, malformed(FieldMessage, "is longer than 8 KiB")
	}
	if err := checkText(raw); err != nil {
		return nil, err
	}
	scheme, text := cutScheme(raw)
	rest, gaps := cutGaps(text)
	parsed, err := siwego.ParseMessage(rest)
	if err != nil {
		return nil, &Error{Field: locate(text), Kind: Malformed, Reason: "is missing, misplaced or not as EIP-4361 writes it", Err: err}
	}
	m, err := fromParsed(parsed)
	if err != nil {
		return nil, err
	}
	m.Scheme = scheme
	gaps.fill(m)
	if err := m.check(); err != nil {
		return nil, err
	}
	// The last word: what siwe-go normalised, reordered or dropped shows here.
	if m.String() != raw {
		return nil, malformed(locate(text), "is not in canonical form")
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

// gaps are the optional parts that EIP-4361 allows to be there and empty, and
// that siwe-go refuses or drops when they are.
type gaps struct{ statement, requestID, resources bool }

// cutGaps takes those that siwe-go refuses out of a text without its scheme.
// Should a gap be found where there is none, the text that comes out at the end
// is not the one that came in.
func cutGaps(text string) (string, gaps) {
	var g gaps
	const resources = "\nResources:"
	text, g.resources = strings.CutSuffix(text, resources)
	const requestID = "\nRequest ID: "
	g.requestID = strings.HasSuffix(text, requestID) || strings.Contains(text, requestID+resources)
	before, after, found := strings.Cut(text, "\n\n\n\nURI: ")
	if g.statement = found; found {
		text = before + "\n\n\nURI: " + after
	}
	return text, g
}

func (g gaps) fill(m *Message) {
	m.HasStatement = g.statement || m.Statement != ""
	if g.requestID && m.RequestID == nil {
		m.RequestID = new(string)
	}
	if g.resources && m.Resources == nil {
		m.Resources = []string{}
	}
}

func fromParsed(p *siwego.Message) (*Message, error) {
	uri := p.GetURI()
	m := &Message{
		Domain: p.GetDomain(), Address: p.GetAddress(), URI: uri.String(), Version: p.GetVersion(),
		ChainID: uint64(max(p.GetChainID(), 0)), Nonce: p.GetNonce(), RequestID: p.GetRequestID(),
		issuedAt: p.GetIssuedAt(),
	}
	if s := p.GetStatement(); s != nil {
		m.Statement = *s
	}
	for _, r := range p.GetResources() {
		m.Resources = append(m.Resources, r.String())
	}
	var err error
	if m.IssuedAt, err = parseTime(m.issuedAt); err != nil {
		return nil, malformed(FieldIssuedAt, notATime)
	}
	if s := p.GetExpirationTime(); s != nil {
		m.expirationTime = *s
		if m.ExpirationTime, err = parseOptional(*s); err != nil {
			return nil, malformed(FieldExpirationTime, notATime)
		}
	}
	if s := p.GetNotBefore(); s != nil {
		m.notBefore = *s
		if m.NotBefore, err = parseOptional(*s); err != nil {
			return nil, malformed(FieldNotBefore, notATime)
		}
	}
	return m, nil
}

const notATime = "is not an RFC 3339 date and time"

func parseOptional(s string) (*time.Time, error) {
	t, err := parseTime(s)
	return &t, err
}
