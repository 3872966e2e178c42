package siwe

import "strings"

// notEIP4361 returns the error for a text, without its scheme, that is outside
// the grammar. It names the first field that is wrong, and says what is expected
// there and in the other lines that are wrong: most often a client library writes
// a text of its own, and its developer needs to know all the differences. It
// decides nothing: a text in which it finds no fault is refused for the reason
// given.
func notEIP4361(text, reason string) *Error {
	faults := locate(text)
	if len(faults) == 0 {
		return malformed(FieldMessage, reason)
	}
	first := malformed(faults[0].field, faults[0].expected)
	for _, f := range faults[1:] {
		first.Reason += "; " + f.field + ": " + f.expected
	}
	return first
}

// fault is a field that is not as EIP-4361 writes it.
type fault struct {
	field    string
	expected string // what must be there
}

// locate returns the faults of a text in their order. It stops at the first line
// that is missing or in another place, because the lines after it cannot be
// assigned to fields.
func locate(text string) (faults []fault) {
	wrong := func(field, expected string) { faults = append(faults, fault{field, expected}) }
	header, text, _ := strings.Cut(text, "\n")
	if domain, ok := strings.CutSuffix(header, headerTail); !ok {
		wrong(FieldDomain, `the first line must be the domain, such as app.example.com, followed by "`+headerTail+
			`", as EIP-4361 has it; clients such as viem's createSiweMessage write it so`)
	} else if checkDomain(domain) != nil {
		wrong(FieldDomain, "must be an RFC 3986 authority, such as app.example.com")
	}
	address, text, _ := strings.Cut(text, "\n")
	if !isEIP55(address) {
		wrong(FieldAddress, "the second line must be the address alone, with 0x and in the upper and lower case of EIP-55")
	}
	statement, rest, ok := strings.Cut(text, "\nURI: ")
	if !ok {
		wrong(FieldURI, `a line must begin with "URI: "`)
		return faults
	}
	// An empty line. If there is a statement, the statement and its newline follow.
	statement, ok = strings.CutPrefix(statement, "\n")
	if statement, ended := strings.CutSuffix(statement, "\n"); !ok || statement != "" && !ended || !isStatement(statement) {
		wrong(FieldStatement, "the address must be followed by an empty line, one line with the statement and an empty line, or by two empty lines if there is no statement")
	}
	lines := strings.Split("URI: "+rest, "\n")
	for _, f := range lineFields {
		if len(lines) > 0 && strings.HasPrefix(lines[0], f.prefix) {
			if !f.fits(lines[0][len(f.prefix):]) {
				wrong(f.name, f.expected)
			}
			lines = lines[1:]
		} else if !f.optional {
			wrong(f.name, `a line that begins with "`+f.prefix+`" must be here, after the line before it in EIP-4361`)
			return faults
		}
	}
	if len(lines) == 0 {
		return faults
	}
	if lines[0] != "Resources:" {
		if strings.HasPrefix(lines[0], "Resources:") {
			wrong(FieldResources, `the line must be "Resources:", with each resource in a line of its own below it`)
		} else {
			wrong(FieldMessage, "has a line that EIP-4361 does not have, or not there; the order is "+order())
		}
		return faults
	}
	for _, l := range lines[1:] {
		if r, ok := strings.CutPrefix(l, "- "); !ok || !isURI(r) {
			wrong(FieldResources, `the lines below "Resources:" must be "- " and an RFC 3986 URI, and nothing may follow them`)
			break
		}
	}
	return faults
}

const expectedTime = "must be an RFC 3339 date and time, such as 2026-01-02T15:04:05Z"

// lineFields are the fields of one line, in their order.
var lineFields = []struct {
	prefix, name string
	optional     bool
	fits         func(string) bool
	expected     string
}{
	{"URI: ", FieldURI, false, isURI, "must be an RFC 3986 URI, such as https://app.example.com"},
	{"Version: ", FieldVersion, false, func(s string) bool { return s == Version }, "must be 1"},
	{"Chain ID: ", FieldChainID, false, isChainID, `must be a decimal number alone, such as 1, without a namespace such as "eip155:"`},
	{"Nonce: ", FieldNonce, false, isNonce, "must be at least 8 ASCII letters and digits"},
	{"Issued At: ", FieldIssuedAt, false, isTime, expectedTime},
	{"Expiration Time: ", FieldExpirationTime, true, isTime, expectedTime},
	{"Not Before: ", FieldNotBefore, true, isTime, expectedTime},
	{"Request ID: ", FieldRequestID, true, isRequestID, "must be RFC 3986 pchars"},
}

// order lists the lines after the statement.
func order() string {
	var b strings.Builder
	for _, f := range lineFields {
		b.WriteString(strings.TrimSuffix(f.prefix, ": ") + ", ")
	}
	return b.String() + "Resources"
}
