package siwe

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ethereum/go-ethereum/common"
)

// check checks every field against the grammar of EIP-4361. Parse and Build
// share it, so that they accept the same messages.
func (m *Message) check() error {
	if m.Scheme != "" && !isScheme(m.Scheme) {
		return malformed(FieldScheme, "is not an RFC 3986 scheme")
	}
	if err := checkDomain(m.Domain); err != nil {
		return err
	}
	if !isStatement(m.Statement) {
		return malformed(FieldStatement, "must be one line of printable characters")
	}
	if !isURI(m.URI) {
		return malformed(FieldURI, "is not an RFC 3986 URI")
	}
	if m.Version != Version {
		return malformed(FieldVersion, "must be 1")
	}
	if m.ChainID == 0 || m.ChainID > math.MaxInt64 {
		return malformed(FieldChainID, "must be 1 to 2^63-1")
	}
	if !isNonce(m.Nonce) {
		return malformed(FieldNonce, "must be at least 8 ASCII letters and digits")
	}
	if m.RequestID != nil && !isRequestID(*m.RequestID) {
		return malformed(FieldRequestID, "must be RFC 3986 pchars")
	}
	for _, r := range m.Resources {
		if !isURI(r) {
			return malformed(FieldResources, "has an entry that is not an RFC 3986 URI")
		}
	}
	return nil
}

// checkText refuses characters that no field may have. It comes before the
// grammar.
func checkText(raw string) error {
	if !utf8.ValidString(raw) {
		return malformed(FieldMessage, "is not valid UTF-8")
	}
	for _, r := range raw {
		if r != '\n' && !unicode.IsPrint(r) {
			return malformed(FieldMessage, "has a control or invisible character")
		}
	}
	return nil
}

// checkDomain accepts an RFC 3986 authority. The grammar has userinfo, IP literals
// and ports; Verify then compares the domain byte for byte.
func checkDomain(s string) error {
	if s == "" || !all(s, func(c byte) bool { return isUnreserved(c) || isSubDelim(c) || strings.IndexByte(":@[]%", c) >= 0 }) || !percentEncoded(s) {
		return malformed(FieldDomain, "is not an RFC 3986 authority")
	}
	if u, err := url.Parse("https://" + s); err != nil || u.Host == "" {
		return malformed(FieldDomain, "is not an RFC 3986 authority")
	}
	return nil
}

func isEIP55(s string) bool {
	return common.IsHexAddress(s) && common.HexToAddress(s).Hex() == s
}

func isStatement(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) { // the newline is not, nor are bidirectional controls
			return false
		}
	}
	return true
}

func isScheme(s string) bool {
	return s != "" && isAlpha(s[0]) && all(s, func(c byte) bool { return isAlnum(c) || strings.IndexByte("+-.", c) >= 0 })
}

// isURI accepts the characters of RFC 3986, and brackets anywhere, because
// browsers do not escape them in queries. There must be a scheme.
func isURI(s string) bool {
	scheme, _, ok := strings.Cut(s, ":")
	if !ok || !isScheme(scheme) || !percentEncoded(s) ||
		!all(s, func(c byte) bool { return isUnreserved(c) || isSubDelim(c) || strings.IndexByte(":/?#[]@%", c) >= 0 }) {
		return false
	}
	_, err := url.Parse(s)
	return err == nil
}

func isChainID(s string) bool {
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && n > 0 && strconv.FormatInt(n, 10) == s
}

func isNonce(s string) bool { return len(s) >= 8 && all(s, isAlnum) }

func isTime(s string) bool {
	_, err := parseTime(s)
	return err == nil
}

func isRequestID(s string) bool {
	return percentEncoded(s) && all(s, func(c byte) bool { return isUnreserved(c) || isSubDelim(c) || strings.IndexByte(":@%", c) >= 0 })
}

// percentEncoded reports whether each % starts a pct-encoded octet.
func percentEncoded(s string) bool {
	for i := strings.IndexByte(s, '%'); i >= 0 && i < len(s); i++ {
		if s[i] == '%' && (i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2])) {
			return false
		}
	}
	return true
}

func all(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return true
}

func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlnum(c byte) bool { return isAlpha(c) || isDigit(c) }
func isHex(c byte) bool   { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func isUnreserved(c byte) bool { return isAlnum(c) || strings.IndexByte("-._~", c) >= 0 }
func isSubDelim(c byte) bool   { return strings.IndexByte("!$&'()*+,;=", c) >= 0 }
