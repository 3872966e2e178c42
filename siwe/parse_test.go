package siwe_test

import (
	"strings"
	"testing"

	"github.com/latchkey/latchkey/siwe"
)

const full = `https://app.example.com wants you to sign in with your Ethereum account:
0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2

Sign in to the example.

URI: https://app.example.com/login
Version: 1
Chain ID: 1
Nonce: abcdefgh12345678
Issued At: 2026-03-14T15:09:26Z
Expiration Time: 2026-03-14T15:19:26Z
Not Before: 2026-03-14T15:09:26Z
Request ID: req-1
Resources:
- https://app.example.com/terms
- urn:a:b`

func TestParseReadsEveryField(t *testing.T) {
	m, err := siwe.Parse(full)
	ok(t, err)
	equal(t, "https app.example.com 0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2 Sign in to the example. https://app.example.com/login 1 abcdefgh12345678 req-1",
		strings.Join([]string{m.Scheme, m.Domain, m.Address.Hex(), m.Statement, m.URI, m.Version, m.Nonce, *m.RequestID}, " "))
	equal(t, uint64(1), m.ChainID)
	equal(t, true, m.HasStatement)
	equal(t, now, m.IssuedAt)
	equal(t, "2026-03-14 15:19:26 +0000 UTC", m.ExpirationTime.String())
	equal(t, now, *m.NotBefore)
	equal(t, []string{"https://app.example.com/terms", "urn:a:b"}, m.Resources)
}

func TestParseAcceptsWhatTheGrammarHas(t *testing.T) {
	for name, change := range map[string][2]string{
		"nothing changed":          {"", ""},
		"no scheme":                {"https://app", "app"},
		"a scheme of its own":      {"https://app", "my-app+1.x://app"},
		"no statement":             {"Sign in to the example.\n", ""},
		"empty statement":          {"Sign in to the example.\n", "\n"},
		"statement of a space":     {"Sign in to the example.", " "},
		"statement like a field":   {"Sign in to the example.", "URI: https://evil.example"},
		"statement like a heading": {"Sign in to the example.", "Resources:"},
		"statement like an id":     {"Sign in to the example.", "Request ID: "},
		"statement in Cyrillic":    {"Sign in to the example.", "Вход"},
		"no request id":            {"\nRequest ID: req-1", ""},
		"empty request id":         {"req-1", ""},
		"percent in a request id":  {"req-1", "a%20b:@!$&'()*+,;="},
		"no resources":             {"\nResources:\n- https://app.example.com/terms\n- urn:a:b", ""},
		"empty list of resources":  {"\n- https://app.example.com/terms\n- urn:a:b", ""},
		"no optional times":        {"Expiration Time: 2026-03-14T15:19:26Z\nNot Before: 2026-03-14T15:09:26Z\n", ""},
		"nine digits of a second":  {"At: 2026-03-14T15:09:26Z", "At: 2026-03-14T15:09:26.123456789Z"},
		"zeros of a second":        {"At: 2026-03-14T15:09:26Z", "At: 2026-03-14T15:09:26.100Z"},
		"an offset":                {"At: 2026-03-14T15:09:26Z", "At: 2026-03-14T15:09:26+05:45"},
		"largest chain":            {"Chain ID: 1", "Chain ID: 9223372036854775807"},
		"longest nonce":            {"abcdefgh12345678", strings.Repeat("a", 1000)},
		"IPv6":                     {"//app.example.com wants", "//[::1]:8080 wants"},
		"userinfo":                 {"//app.example.com wants", "//a:b@app.example.com wants"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(full, change[0], change[1], 1)
			m, err := siwe.Parse(text)
			ok(t, err)
			equal(t, text, m.String())
			rebuilt, err := siwe.Build(*m)
			ok(t, err)
			equal(t, text, rebuilt)
		})
	}
}

func TestParseRefuses(t *testing.T) {
	const message, domain, address, statement = siwe.FieldMessage, siwe.FieldDomain, siwe.FieldAddress, siwe.FieldStatement
	const uri, version, chainID, nonce = siwe.FieldURI, siwe.FieldVersion, siwe.FieldChainID, siwe.FieldNonce
	const issued, expires, notBefore, id, resources = siwe.FieldIssuedAt, siwe.FieldExpirationTime, siwe.FieldNotBefore, siwe.FieldRequestID, siwe.FieldResources
	for name, c := range map[string]struct{ old, with, field string }{
		"CR":                          {"\n", "\r\n", message},
		"NUL":                         {"Sign in", "Sign\x00in", message},
		"tab":                         {"Sign in", "Sign\tin", message},
		"escape":                      {"Sign in", "\x1b[2J", message},
		"DEL":                         {"Sign in", "\x7f", message},
		"C1 control":                  {"Sign in", "\u0085", message},
		"line separator":              {"Sign in", "\u2028", message},
		"right-to-left override":      {"Sign in", "\u202e", message},
		"zero-width space":            {"Sign in", "\u200b", message},
		"byte order mark":             {"https://app", "\ufeffhttps://app", message},
		"no-break space":              {"Sign in", "\u00a0", message},
		"invalid UTF-8":               {"Sign in", "\xff", message},
		"overlong UTF-8":              {"Sign in", "\xc0\x8a", message},
		"surrogate":                   {"Sign in", "\xed\xa0\x80", message},
		"newline at the end":          {"- urn:a:b", "- urn:a:b\n", resources},
		"newline at the start":        {"https://app", "\nhttps://app", domain},
		"space at the start":          {"https://app", " https://app", siwe.FieldScheme},
		"space at the end":            {"- urn:a:b", "- urn:a:b ", resources},
		"text behind":                 {"- urn:a:b", "- urn:a:b\nhello", resources},
		"other words":                 {"wants you", "wants  you", domain},
		"words in capitals":           {"Ethereum", "ETHEREUM", domain},
		"another chain's words":       {"Ethereum", "Solana", domain},
		"empty domain":                {"app.example.com wants", " wants", domain},
		"no host":                     {"app.example.com wants", "user@ wants", domain},
		"path in the domain":          {"app.example.com wants", "app.example.com/x wants", domain},
		"space in the domain":         {"app.example.com wants", "app example wants", domain},
		"query in the domain":         {"app.example.com wants", "a?b wants", domain},
		"fragment in the domain":      {"app.example.com wants", "a#b wants", domain},
		"backslash in the domain":     {"app.example.com wants", `a\b wants`, domain},
		"domain not in ASCII":         {"app.example.com wants", "äpp.example.com wants", domain},
		"domain broken in two":        {"app.example.com wants", "app\n.example.com wants", domain},
		"port not a number":           {"app.example.com wants", "app:http wants", domain},
		"bracket open":                {"app.example.com wants", "[::1 wants", domain},
		"percent cut":                 {"app.example.com wants", "app%2 wants", domain},
		"empty scheme":                {"https://app", "://app", siwe.FieldMessage},
		"scheme starts with a digit":  {"https://app", "1s://app", siwe.FieldScheme},
		"scheme with a space":         {"https://app", "ht tps://app", siwe.FieldScheme},
		"two schemes":                 {"https://app", "https://https://app", domain},
		"address in lower case":       {"0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", address},
		"address in capitals":         {"0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "0xC02AAA39B223FE8D0A0E5C4F27EAD9083C756CC2", address},
		"address checksum off by one": {"0xC02aaA39", "0xc02aaA39", address},
		"address too short":           {"756Cc2", "756Cc", address},
		"address too long":            {"756Cc2", "756Cc20", address},
		"address without 0x":          {"0xC02", "C02", address},
		"address with 0X":             {"0xC02", "0XC02", address},
		"address not hexadecimal":     {"0xC02", "0xG02", address},
		"address twice":               {"0xC02", "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2\n0xC02", statement},
		"statement on two lines":      {"Sign in", "Sign\nin", statement},
		"statement with a blank line": {"Sign in", "Sign\n\nin", statement},
		"statement not set off":       {"\n\nSign in", "\nSign in", statement},
		"two blank lines too many":    {"Sign in to the example.\n", "\n\n", statement},
		"URI twice":                   {"URI: https://app.example.com/login", "URI: https://app.example.com/login\nURI: https://evil.example", version},
		"URI in lower case":           {"URI: ", "uri: ", uri},
		"URI relative":                {"URI: https://app.example.com/login", "URI: /login", uri},
		"URI empty":                   {"URI: https://app.example.com/login", "URI: ", uri},
		"URI with a space":            {"com/login", "com/log in", uri},
		"URI with a backslash":        {"com/login", `com\login`, uri},
		"URI not in ASCII":            {"com/login", "com/lögin", uri},
		"URI with a quote":            {"com/login", `com/"`, uri},
		"URI percent cut":             {"com/login", "com/%4", uri},
		"URI scheme in capitals":      {"URI: https", "URI: HTTPS", message}, // rewritten by package url
		"URI with an empty fragment":  {"com/login", "com/login#", message},  // dropped by package url
		"version 2":                   {"Version: 1", "Version: 2", version},
		"version 01":                  {"Version: 1", "Version: 01", version},
		"version 1.0":                 {"Version: 1", "Version: 1.0", version},
		"version missing":             {"Version: 1\n", "", version},
		"version twice":               {"Version: 1\n", "Version: 1\nVersion: 1\n", chainID},
		"version and chain swapped":   {"Version: 1\nChain ID: 1\n", "Chain ID: 1\nVersion: 1\n", version},
		"chain 0":                     {"Chain ID: 1", "Chain ID: 0", chainID},
		"chain 01":                    {"Chain ID: 1", "Chain ID: 01", chainID}, // reads as 1
		"chain +1":                    {"Chain ID: 1", "Chain ID: +1", chainID},
		"chain -1":                    {"Chain ID: 1", "Chain ID: -1", chainID},
		"chain 0x1":                   {"Chain ID: 1", "Chain ID: 0x1", chainID},
		"chain 2^63":                  {"Chain ID: 1", "Chain ID: 9223372036854775808", chainID},
		"chain 2^64+1":                {"Chain ID: 1", "Chain ID: 18446744073709551617", chainID},
		"chain in Arabic digits":      {"Chain ID: 1", "Chain ID: \u0661", chainID},
		"chain empty":                 {"Chain ID: 1", "Chain ID: ", chainID},
		"chain with a space":          {"Chain ID: 1", "Chain ID: 1 ", chainID},
		"nonce of 7":                  {"abcdefgh12345678", "abcdefg", nonce},
		"nonce with a dash":           {"abcdefgh12345678", "abcdefgh-1234567", nonce},
		"nonce with a space":          {"abcdefgh12345678", "abcdefgh 1234567", nonce},
		"nonce not in ASCII":          {"abcdefgh12345678", "äbcdefgh12345678", nonce},
		"nonce twice":                 {"Nonce: abcdefgh12345678\n", "Nonce: abcdefgh12345678\nNonce: 12345678\n", issued},
		"issued at missing":           {"Issued At: 2026-03-14T15:09:26Z\n", "", issued},
		"issued at twice":             {"Expiration Time: 2026-03-14T15:19:26Z", "Issued At: 2026-03-14T15:09:26Z", message},
		"a date alone":                {"At: 2026-03-14T15:09:26Z", "At: 2026-03-14", issued},
		"no zone":                     {"At: 2026-03-14T15:09:26Z", "At: 2026-03-14T15:09:26", issued},
		"zone in lower case":          {"At: 2026-03-14T15:09:26Z", "At: 2026-03-14T15:09:26z", issued},
		"T in lower case":             {"At: 2026-03-14T15:09:26Z", "At: 2026-03-14t15:09:26Z", issued},
		"space for the T":             {"At: 2026-03-14T15:09:26Z", "At: 2026-03-14 15:09:26Z", issued},
		"zone without a colon":        {"At: 2026-03-14T15:09:26Z", "At: 2026-03-14T15:09:26+0100", issued},
		"zone beyond a day":           {"At: 2026-03-14T15:09:26Z", "At: 2026-03-14T15:09:26+24:00", issued},
		"zone of a bar":               {"At: 2026-03-14T15:09:26Z", "At: 2026-03-14T15:09:26|01:00", issued},
		"comma for the point":         {"At: 2026-03-14T15:09:26Z", "At: 2026-03-14T15:09:26,5Z", issued},
		"point without digits":        {"At: 2026-03-14T15:09:26Z", "At: 2026-03-14T15:09:26.Z", issued},
		"30 February":                 {"At: 2026-03-14T15:09:26Z", "At: 2026-02-30T15:09:26Z", issued},
		"month 13":                    {"At: 2026-03-14T15:09:26Z", "At: 2026-13-14T15:09:26Z", issued},
		"hour 24":                     {"At: 2026-03-14T15:09:26Z", "At: 2026-03-14T24:00:00Z", issued},
		"leap second":                 {"At: 2026-03-14T15:09:26Z", "At: 2016-12-31T23:59:60Z", issued},
		"year of five digits":         {"At: 2026-03-14T15:09:26Z", "At: 12026-03-14T15:09:26Z", issued},
		"year of two digits":          {"At: 2026-03-14T15:09:26Z", "At: 26-03-14T15:09:26Z", issued},
		"a number of seconds":         {"At: 2026-03-14T15:09:26Z", "At: 1773500966", issued},
		"expiration malformed":        {"Time: 2026-03-14T15:19:26Z", "Time: tomorrow", expires},
		"expiration empty":            {"Time: 2026-03-14T15:19:26Z", "Time: ", expires},
		"not-before malformed":        {"Before: 2026-03-14T15:09:26Z", "Before: 2026-3-14T15:09:26Z", notBefore},
		"times swapped": {
			"Expiration Time: 2026-03-14T15:19:26Z\nNot Before: 2026-03-14T15:09:26Z",
			"Not Before: 2026-03-14T15:09:26Z\nExpiration Time: 2026-03-14T15:19:26Z", message,
		},
		"request id with a space":  {"req-1", "req 1", id},
		"request id with a slash":  {"req-1", "req/1", id},
		"request id not in ASCII":  {"req-1", "réq", id},
		"request id percent cut":   {"req-1", "req%1", id},
		"request id twice":         {"Request ID: req-1", "Request ID: req-1\nRequest ID: 2", message},
		"request id behind":        {"- urn:a:b", "- urn:a:b\nRequest ID: req-1", resources},
		"resources twice":          {"- urn:a:b", "- urn:a:b\nResources:", resources},
		"resources with a space":   {"Resources:", "Resources: ", resources},
		"resource relative":        {"- urn:a:b", "- /terms", resources},
		"resource empty":           {"- urn:a:b", "- ", resources},
		"resource without a space": {"- urn:a:b", "-urn:a:b", resources},
		"resource with a star":     {"- urn:a:b", "* urn:a:b", resources},
		"resource not a URI":       {"- urn:a:b", "- hello world", resources},
		"resource rewritten":       {"- urn:a:b", "- URN:a:b", message},
		"an unknown field":         {"Request ID: req-1", "Colour: red", message},
		"too long":                 {"Sign in", strings.Repeat("a", siwe.MaxMessageBytes), message},
		"10 MB":                    {"Sign in", strings.Repeat("a", 10<<20), message},
	} {
		t.Run(name, func(t *testing.T) {
			n := 1
			if c.old == "\n" {
				n = -1
			}
			text := strings.Replace(full, c.old, c.with, n)
			equal(t, false, text == full)
			m, err := siwe.Parse(text)
			refused(t, err, c.field, siwe.Malformed)
			equal(t, true, m == nil)
		})
	}
	for _, text := range []string{"", "\n", " ", "hello", full[:100], strings.Repeat("\n", 100), strings.Repeat(full+"\n", 3)} {
		_, err := siwe.Parse(text)
		equal(t, true, err != nil)
	}
}

// appKit is what the default messenger of AppKit (InformalMessenger of
// @reown/appkit-siwx) writes. It differs from EIP-4361 in its first
// line, in the chain id and, without a statement, in the empty lines.
const appKit = `app.example.com wants you to sign in with your **blockchain** account:
0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2

Sign in to the example.

URI: https://app.example.com/login
Version: 1
Chain ID: eip155:1
Nonce: abcdefgh12345678
Issued At: 2026-03-14T15:09:26.000Z`

func TestRefusalSaysWhatToChange(t *testing.T) {
	for name, c := range map[string]struct {
		text, field string
		says        []string
	}{
		"AppKit":                     {appKit, siwe.FieldDomain, []string{"first line", "wants you to sign in with your Ethereum account:", "createSiweMessage", "chain_id", "eip155:"}},
		"AppKit without a statement": {strings.Replace(appKit, "\nSign in to the example.\n", "", 1), siwe.FieldDomain, []string{"first line", "statement", "two empty lines", "chain_id", "eip155:"}},
		"AppKit, chain id alone":     {strings.Replace(appKit, "eip155:1", "1", 1), siwe.FieldDomain, []string{"first line"}},
		"namespace":                  {strings.Replace(full, "Chain ID: 1", "Chain ID: eip155:1", 1), siwe.FieldChainID, []string{"decimal number", "eip155:"}},
		"address in lower case":      {strings.Replace(full, "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", 1), siwe.FieldAddress, []string{"second line", "EIP-55"}},
		"no nonce":                   {strings.Replace(full, "Nonce: abcdefgh12345678\n", "", 1), siwe.FieldNonce, []string{`"Nonce: "`}},
		"seconds for a time":         {strings.Replace(full, "Issued At: 2026-03-14T15:09:26Z", "Issued At: 1773500966", 1), siwe.FieldIssuedAt, []string{"RFC 3339", "2026-01-02T15:04:05Z"}},
		"another field":              {strings.Replace(full, "Request ID: req-1", "Role: admin", 1), siwe.FieldMessage, []string{"URI, Version, Chain ID, Nonce, Issued At, Expiration Time, Not Before, Request ID, Resources"}},
		"resources in one line":      {strings.Replace(full, "Resources:\n", "Resources: urn:a:b\n", 1), siwe.FieldResources, []string{`"Resources:"`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := siwe.Parse(c.text)
			e := refused(t, err, c.field, siwe.Malformed)
			for _, s := range c.says {
				if !strings.Contains(e.Reason, s) {
					t.Errorf("lacks %q: %s", s, e.Reason)
				}
			}
			for _, s := range []string{"**", "admin", "1773500966", "0xc02"} {
				if strings.Contains(e.Reason, s) {
					t.Errorf("repeats the input: %s", e.Reason)
				}
			}
		})
	}
}
