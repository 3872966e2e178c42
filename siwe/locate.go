package siwe

import "strings"

// locate names the field at which a text, without its scheme, leaves the
// grammar, for an error that helps: splitFields only says that it does. It decides
// nothing: a text it finds no fault with is refused all the same, as a whole.
func locate(text string) string {
	header, text, _ := strings.Cut(text, "\n")
	domain, ok := strings.CutSuffix(header, headerTail)
	if !ok || checkDomain(domain) != nil {
		return FieldDomain
	}
	address, text, _ := strings.Cut(text, "\n")
	if !isEIP55(address) {
		return FieldAddress
	}
	statement, rest, ok := strings.Cut(text, "\nURI: ")
	if !ok {
		return FieldURI
	}
	// A blank line, and behind it, if there is a statement, that and its end.
	statement, ok = strings.CutPrefix(statement, "\n")
	if statement, ended := strings.CutSuffix(statement, "\n"); !ok || statement != "" && !ended || !isStatement(statement) {
		return FieldStatement
	}
	lines := strings.Split("URI: "+rest, "\n")
	for _, f := range lineFields {
		if len(lines) > 0 && strings.HasPrefix(lines[0], f.prefix) {
			if !f.fits(lines[0][len(f.prefix):]) {
				return f.name
			}
			lines = lines[1:]
		} else if !f.optional {
			return f.name
		}
	}
	if len(lines) == 0 {
		return FieldMessage
	}
	if lines[0] != "Resources:" {
		if strings.HasPrefix(lines[0], "Resources:") {
			return FieldResources
		}
		return FieldMessage // a line that has no business there
	}
	for _, l := range lines[1:] {
		if r, ok := strings.CutPrefix(l, "- "); !ok || !isURI(r) {
			return FieldResources
		}
	}
	return FieldMessage
}

// lineFields are the fields of one line, in their order.
var lineFields = []struct {
	prefix, name string
	optional     bool
	fits         func(string) bool
}{
	{"URI: ", FieldURI, false, isURI},
	{"Version: ", FieldVersion, false, func(s string) bool { return s == Version }},
	{"Chain ID: ", FieldChainID, false, isChainID},
	{"Nonce: ", FieldNonce, false, isNonce},
	{"Issued At: ", FieldIssuedAt, false, isTime},
	{"Expiration Time: ", FieldExpirationTime, true, isTime},
	{"Not Before: ", FieldNotBefore, true, isTime},
	{"Request ID: ", FieldRequestID, true, isRequestID},
}
