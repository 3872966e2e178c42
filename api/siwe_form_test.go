package api_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// Texts that a lenient parser would take, and read otherwise than the person
// who signed them did.
var hostileTexts = join(
	[]hostileCase{
		bend("line break at the end", malformed("message"), func(f *forgery) { f.text += "\n" }),
		bend("line break in front", malformed("domain"), func(f *forgery) { f.text = "\n" + f.text }),
		bend("space at the end", malformed("expiration_time"), func(f *forgery) { f.text += " " }),
		bend("byte order mark", malformed("message"), func(f *forgery) { f.text = "\ufeff" + f.text }),
		bend("CRLF throughout", malformed("message"), func(f *forgery) { f.text = strings.ReplaceAll(f.text, "\n", "\r\n") }),
		bend("CR for LF", malformed("message"), func(f *forgery) { f.text = strings.ReplaceAll(f.text, "\n", "\r") }),
		bend("one CRLF", malformed("message"), func(f *forgery) { f.replace("\nNonce", "\r\nNonce") }),
		bend("header in other words", malformed("domain"), func(f *forgery) { f.replace("wants you to sign in", "wants you to log in") }),
		bend("header with two spaces", malformed("domain"), func(f *forgery) { f.replace(" wants you", " wants  you") }),
		bend("no empty line before the fields", malformed("uri"), func(f *forgery) { f.replace("\n\n\nURI", "\nURI") }),
		bend("four empty lines", malformed("statement"), func(f *forgery) { f.replace("\n\n\nURI", "\n\n\n\n\nURI") }),
		bend("field name in other case", malformed("chain_id"), func(f *forgery) { f.replace("Chain ID:", "Chain Id:") }),
		bend("two spaces behind a field name", malformed("nonce"), func(f *forgery) { f.replace("Nonce: ", "Nonce:  ") }),
		bend("no space behind a field name", malformed("nonce"), func(f *forgery) { f.replace("Nonce: ", "Nonce:") }),
		bend("tab behind a field name", malformed("message"), func(f *forgery) { f.replace("Nonce: ", "Nonce:\t") }),
		bend("field name with a space before", malformed("nonce"), func(f *forgery) { f.replace("\nNonce", "\n Nonce") }),
		bend("empty line among the fields", malformed("nonce"), func(f *forgery) { f.replace("\nNonce", "\n\nNonce") }),
		bend("unknown field", malformed("nonce"), func(f *forgery) { f.replace("\nNonce", "\nRole: admin\nNonce") }),
		bend("all of it twice", malformed("expiration_time"), func(f *forgery) { f.text += f.text }),
		bend("more than 8 KiB", malformed("message"), func(f *forgery) {
			f.text += "\nResources:" + strings.Repeat("\n- https://example.com/a", 400)
		}),
		bend("version before URI", malformed("statement"), swap("URI", "Version")),
		bend("chain before version", malformed("version"), swap("Version", "Chain ID")),
		bend("nonce before chain", malformed("chain_id"), swap("Chain ID", "Nonce")),
		bend("issue before nonce", malformed("nonce"), swap("Nonce", "Issued At")),
		bend("expiry before issue", malformed("issued_at"), swap("Issued At", "Expiration Time")),
		bend("not-before before expiry", malformed("message"), func(f *forgery) {
			f.replace("\nExpiration", "\nNot Before: 2020-01-01T00:00:00Z\nExpiration")
		}),
		bend("request id before expiry", malformed("message"), func(f *forgery) { f.replace("\nExpiration", "\nRequest ID: 1\nExpiration") }),
		bend("resources before expiry", malformed("resources"), func(f *forgery) {
			f.replace("\nExpiration", "\nResources:\n- https://example.com\nExpiration")
		}),
	},
	each([]string{"URI", "Version", "Chain ID", "Nonce", "Issued At"}, func(field, name string) hostileCase {
		return bend("without "+field, malformed(name), func(f *forgery) { f.replace("\n"+f.line(field), "") })
	}),
	each([]string{"URI", "Version", "Chain ID", "Nonce", "Issued At", "Expiration Time"}, func(field, name string) hostileCase {
		// The field behind the doubled one is what is missing in its place.
		next := map[string]string{
			"uri": "version", "version": "chain_id", "chain_id": "nonce", "nonce": "issued_at", "issued_at": "message", "expiration_time": "message",
		}[name]
		return bend("twice "+field, malformed(next), func(f *forgery) { f.replace(f.line(field), f.line(field)+"\n"+f.line(field)) })
	}),
	add(malformed("message"),
		"\nRequest ID: 1\nRequest ID: 2", "\nunknown: 1", "\n- https://example.com/no-heading",
		"\nNot Before: 2020-01-01T00:00:00Z\nExpiration Time: $expiry", "\nNonce: $nonce"),
	add(malformed("request_id"), "\nRequest ID: a b", "\nRequest ID: %zz", "\nRequest ID: \u00e9", "\nRequest ID: a/b"),
	add(malformed("resources"),
		"\nResources:\n-https://example.com", "\nResources:\n* https://example.com", "\nResources: https://example.com",
		"\nResources:\n- not a uri", "\nResources:\n- ", "\nResources:\n- https://example.com\n", "\nResources:\n- https://example.com\nNonce: $nonce",
		"\nResources:\n- https://example.com\nResources:\n- https://example.com"),
	add(accepted, "\nRequest ID: ", "\nRequest ID: a%20b", "\nResources:", "\nResources:\n- https://example.com/terms\n- ipfs://bafy"),
)

var hostileStatements = join(
	// Each is invisible, or moves what is visible, on the screen of a wallet.
	statement(malformed("message"),
		"a\tb", "a\rb", "a\vb", "a\fb", "a\bb", "a\x1b[2Kb", "a\x7fb", "a\u0085b", "a\u200bb", "a\u200eb", "a\u202eb", "a\u2066b",
		"a\u2028b", "a\u2029b", "a\ufeffb", "a\u00adb", "a\u00a0b", "a\ue000b"),
	statement(malformed("statement"), "two\nlines", "\nempty line first", "empty line last\n"),
	// A second set of fields inside the statement: the first URI would count.
	[]hostileCase{
		bend("statement that forges the fields", malformed("version"), func(f *forgery) {
			f.replace("\n\n\nURI", "\n\nhello\n\nURI: http://evil.example\n\nURI")
		}),
		bend("NUL in the statement", expectation{400, "invalid_request", ""}, func(f *forgery) { f.replace("\n\n\nURI", "\n\na\x00b\n\nURI") }),
	},
	statement(accepted, "I accept the terms: https://example.com/tos", "Gr\u00fc\u00dfe \u2713 \u4f60\u597d"),
)

// hostileSignatures are refused as text where they can be no signature of a key,
// and as proof where they could be one and are not.
func hostileSignatures() []hostileCase {
	n := crypto.S256().Params().N
	out := []hostileCase{
		signature("in capitals", accepted, func(_ *forgery, s []byte) string { return "0x" + strings.ToUpper(fmt.Sprintf("%x", s)) }),
		signature("without 0x", malformed("signature"), func(_ *forgery, s []byte) string { return fmt.Sprintf("%x", s) }),
		signature("with 0X", malformed("signature"), func(_ *forgery, s []byte) string { return fmt.Sprintf("0X%x", s) }),
		signature("with an odd digit", malformed("signature"), func(_ *forgery, s []byte) string { return fmt.Sprintf("0x%xa", s) }),
		signature("with a space", malformed("signature"), func(_ *forgery, s []byte) string { return fmt.Sprintf("0x%x ", s) }),
		signature("with a line break", malformed("signature"), func(_ *forgery, s []byte) string { return fmt.Sprintf("0x%x\n", s) }),
		signature("with full-width digits", malformed("signature"), func(_ *forgery, s []byte) string { return fmt.Sprintf("0x%x\uff10", s[:64]) }),
		signature("in base64", malformed("signature"), func(_ *forgery, s []byte) string { b, _ := json.Marshal(s); return string(b) }),
		signature("of another key", rejected("signature"), func(f *forgery, _ []byte) string { return apptest.NewWallet(f.t).Sign(f.t, f.text) }),
		signature("of another text", rejected("signature"), func(f *forgery, _ []byte) string { return f.wallet.Sign(f.t, f.text+" ") }),
		signature("of the text in lower case", rejected("signature"), func(f *forgery, _ []byte) string { return f.wallet.Sign(f.t, strings.ToLower(f.text)) }),
		signature("of the hash without prefix", rejected("signature"), func(f *forgery, _ []byte) string {
			sig, err := crypto.Sign(crypto.Keccak256([]byte(f.text)), f.wallet.Key)
			if err != nil {
				f.t.Fatal(err)
			}
			sig[64] += 27
			return hexutil.Encode(sig)
		}),
		signature("high s, other recovery", rejected("signature"), func(_ *forgery, s []byte) string { return hexutil.Encode(highS(n, s, true)) }),
		signature("high s, same recovery", rejected("signature"), func(_ *forgery, s []byte) string { return hexutil.Encode(highS(n, s, false)) }),
		signature("for a contract (ERC-6492)", malformed("signature"), func(_ *forgery, s []byte) string {
			return hexutil.Encode(append(make([]byte, 96), append(s, []byte(strings.Repeat("\x64\x92", 16))...)...))
		}),
		signature("for a contract of two owners", malformed("signature"), func(_ *forgery, s []byte) string { return hexutil.Encode(append(s, s...)) }),
	}
	for _, size := range []int{0, 1, 2, 32, 63, 64, 66, 97, 130, 16 << 10, 16<<10 + 1, 31 << 10} {
		out = append(out, signature(fmt.Sprintf("of %d bytes", size), malformed("signature"), func(_ *forgery, s []byte) string {
			return hexutil.Encode(append(s, make([]byte, 31<<10)...)[:size])
		}))
	}
	for _, v := range []byte{2, 3, 4, 26, 29, 30, 31, 35, 36, 37, 38, 127, 128, 155, 255} {
		out = append(out, signature(fmt.Sprintf("with recovery byte %d", v), rejected("signature"), func(_ *forgery, s []byte) string {
			s[64] = v
			return hexutil.Encode(s)
		}))
	}
	for name, r := range map[string][]byte{"0": make([]byte, 32), "the order": n.Bytes(), "all ones": []byte(strings.Repeat("\xff", 32))} {
		out = append(out,
			signature("with r "+name, rejected("signature"), func(_ *forgery, s []byte) string { return hexutil.Encode(append(append([]byte{}, r...), s[32:]...)) }),
			signature("with s "+name, rejected("signature"), func(_ *forgery, s []byte) string {
				return hexutil.Encode(append(append(append([]byte{}, s[:32]...), r...), s[64]))
			}))
	}
	return append(out,
		signature("of nothing but zeros", rejected("signature"), func(*forgery, []byte) string { return hexutil.Encode(make([]byte, 65)) }),
		signature("with recovery byte 0 or 1", accepted, func(_ *forgery, s []byte) string { s[64] -= 27; return hexutil.Encode(s) }))
}

// highS is the other signature that the same key would have made.
func highS(n *big.Int, sig []byte, flip bool) []byte {
	out := append([]byte(nil), sig...)
	new(big.Int).Sub(n, new(big.Int).SetBytes(sig[32:64])).FillBytes(out[32:64])
	if flip {
		out[64] = 27 + 28 - out[64]
	}
	return out
}

// What is no message and no signature at all.
var hostileBodies = []hostileCase{
	body("empty object", "message", `{}`),
	body("empty message", "message", `{"message":"","signature":"0x00"}`),
	body("no signature", "signature", `{"message":"a"}`),
	body("null for a message", "message", `{"message":null,"signature":"0x00"}`),
	body("number for a message", "message", `{"message":1,"signature":"0x00"}`),
	body("list for a message", "message", `{"message":["a"],"signature":"0x00"}`),
	body("object for a signature", "signature", `{"message":"a","signature":{"r":"0x0","s":"0x0"}}`),
	body("delivery by mail", "delivery", `{"message":"a","signature":"0x00","delivery":"mail"}`),
	body("purpose in the body", "", `{"message":"a","signature":"0x00","purpose":"link"}`),
	body("user in the body", "", `{"message":"a","signature":"0x00","user_id":"00000000-0000-7000-8000-000000000000"}`),
	body("address in the body", "", `{"message":"a","signature":"0x00","address":"0x0000000000000000000000000000000000000001"}`),
	body("invalid UTF-8", "", "{\"message\":\"a\xff\",\"signature\":\"0x00\"}"),
	body("overlong UTF-8", "", "{\"message\":\"a\xc0\x80\",\"signature\":\"0x00\"}"),
	{"line breaks only", func(f *forgery) { f.body = strings.NewReader(`{"message":"\n\n\n","signature":"0x00"}`) }, malformed("domain")},
	{"lone surrogate", func(f *forgery) { f.body = strings.NewReader(`{"message":"\ud800","signature":"0x00"}`) }, malformed("domain")},
}

func body(name, field, raw string) hostileCase {
	return hostileCase{name, func(f *forgery) { f.body = strings.NewReader(raw) }, expectation{400, "invalid_request", field}}
}

func swap(first, second string) func(f *forgery) {
	return func(f *forgery) {
		a, b := f.line(first), f.line(second)
		f.replace(a+"\n"+b, b+"\n"+a)
	}
}

// each makes a case for each field, with the field's name in refusals.
func each(fields []string, fn func(field, name string) hostileCase) []hostileCase {
	var out []hostileCase
	for _, f := range fields {
		out = append(out, fn(f, strings.ReplaceAll(strings.ToLower(f), " ", "_")))
	}
	return out
}
