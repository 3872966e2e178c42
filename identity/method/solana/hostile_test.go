package solana_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"filippo.io/edwards25519"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/testkit/solanatest"
	"github.com/latchkey/latchkey/siwe"
)

// forgery is a sign-in of which one thing was changed. The changed text is signed by the
// wallet, so that nothing but the check that the case is about can refuse it.
type forgery struct {
	t    *testing.T
	w    solanatest.Wallet
	text string
	sign func(text string) string
	at   time.Time
}

func (f *forgery) replace(old, with string) {
	f.t.Helper()
	if !strings.Contains(f.text, old) {
		f.t.Fatalf("nothing to change: no %q in %q", old, f.text)
	}
	f.text = strings.Replace(f.text, old, with, 1)
}

// field replaces the value of a field.
func (f *forgery) field(name, with string) {
	f.t.Helper()
	_, rest, ok := strings.Cut(f.text, "\n"+name+": ")
	if !ok {
		f.t.Fatalf("no %s in %q", name, f.text)
	}
	value, _, _ := strings.Cut(rest, "\n")
	f.replace("\n"+name+": "+value, "\n"+name+": "+with)
}

type hostile struct {
	name  string
	code  identity.Code // "" for a control, which signs in
	names string        // the field
	bend  func(f *forgery)
}

const (
	malformed = identity.CodeInvalidMessage
	rejected  = identity.CodeInvalidProof
)

// each makes a case of each value.
func each(name string, code identity.Code, field string, bend func(f *forgery, value string), values ...string) []hostile {
	var out []hostile
	for _, v := range values {
		out = append(out, hostile{name + " " + v, code, field, func(f *forgery) { bend(f, v) }})
	}
	return out
}

func fieldIs(name string) func(f *forgery, value string) {
	return func(f *forgery, value string) { f.field(name, value) }
}

func header(f *forgery, line string) {
	_, rest, _ := strings.Cut(f.text, "\n")
	f.text = line + "\n" + rest
}

func domain(f *forgery, d string)   { f.replace("app.example.com wants", d+" wants") }
func address(f *forgery, a string)  { f.replace("\n"+f.w.Address+"\n", "\n"+a+"\n") }
func after(f *forgery, more string) { f.text += more }
func signature(f *forgery, s string) {
	f.sign = func(string) string { return s }
}

const headerTail = " wants you to sign in with your Solana account:"

var hostileMessages = [][]hostile{
	each("domain", rejected, siwe.FieldDomain, domain, "evil.example", "app.example.com.evil.example", "APP.example.com", "app.example.com.", "app.example.com:443", "user@app.example.com", "example.com"),
	each("domain", malformed, siwe.FieldDomain, domain, "", " app.example.com", "https://app.example.com", "app.example.com/path", "app.exаmple.com", "app。example.com"),
	each("header", malformed, siwe.FieldDomain, header, "app.example.com wants you to sign in with your Ethereum account:", "app.example.com wants you to sign in with your solana account:",
		"app.example.com wants you to sign in with your Solana account", "app.example.com wants you to sign in with your Solana account: ", "app.example.com  wants you to sign in with your Solana account:",
		"app.example.com wants you to sign in with your\u00a0Solana account:", "app.example.com wants you to sign in with your Solana account：", "app.example.com"+headerTail+"\r", "\ufeffapp.example.com wants", ""),
	each("bytes before it,", malformed, "", func(f *forgery, p string) { f.text = p + f.text }, "\n", " ", "\x00", "\xffsolana offchain", "\ufeff", "\u202e"),
	each("bytes after it,", malformed, siwe.FieldResources, after, "\n", "\nUnknown: field", "\n- not a uri", "\nNonce: 12345678", "\nResources:"),
	each("bytes after it,", malformed, siwe.FieldMessage, after, "\x00", "\u200b", "\r\n", "\t", "\xff"),
	each("URI", rejected, siwe.FieldURI, fieldIs("URI"), "https://evil.example", "http://app.example.com", "https://app.example.com.evil.example", "https://app.example.com:8443", "https://app.example.com@evil.example/"),
	each("URI", malformed, siwe.FieldURI, fieldIs("URI"), "", "app.example.com", "https://app.example.com/ü", "https://app.example.com/%zz"),
	each("version", malformed, siwe.FieldVersion, fieldIs("Version"), "2", "01", "", "1.0", "１"),
	each("chain", rejected, siwe.FieldChainID, fieldIs("Chain ID"), "solana:testnet", "testnet", "1", "eip155:1", "Mainnet", "SOLANA:mainnet", "solana:solana:mainnet", "solana:", "solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z",
		"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvd", "localnet"),
	each("chain", malformed, siwe.FieldChainID, fieldIs("Chain ID"), "", "mainnet ", "mainnet\r", "mаinnet", "main net", "mainnet\x00"),
	each("nonce", malformed, siwe.FieldNonce, fieldIs("Nonce"), "", "1234567", "abcd-efgh-ijkl", "abcdefgh ijkl", "аbcdefgh12345678"),
	each("nonce", rejected, siwe.FieldNonce, fieldIs("Nonce"), "abcdefgh12345678", strings.Repeat("z", 80)),
	each("issued", malformed, siwe.FieldIssuedAt, fieldIs("Issued At"), "", "2026-03-14", "2026-03-14 15:09:26Z", "2026-03-14T15:09:26", "2026-02-30T15:09:26Z", "1773500966"),
	each("issued", rejected, siwe.FieldIssuedAt, fieldIs("Issued At"), "2026-03-14T15:10:27Z", "2026-03-14T14:59:26Z", "2020-01-01T00:00:00Z"),
	each("expires", rejected, siwe.FieldExpirationTime, fieldIs("Expiration Time"), "2026-03-14T15:09:26Z", "2026-03-14T15:00:00Z"),
	each("expires", malformed, siwe.FieldExpirationTime, fieldIs("Expiration Time"), "soon", ""),
	each("not before", rejected, siwe.FieldNotBefore, func(f *forgery, at string) { f.replace("\nResources:", "\nNot Before: "+at+"\nResources:") }, "2026-03-14T15:10:27Z", "2027-01-01T00:00:00Z"),
	each("statement", malformed, "", func(f *forgery, s string) { f.replace("I accept the terms.", s) }, "", "I accept\u2028the terms.", "a\n\nURI: https://evil.example", "URI: https://app.example.com"),
	each("another", malformed, "", func(f *forgery, line string) { f.replace("\nNonce: ", "\n"+line+"\nNonce: ") }, "Chain ID: mainnet", "URI: https://app.example.com", "Nonce: abcdefgh12345678", "Version: 1"),
	{
		{"no chain", malformed, siwe.FieldChainID, func(f *forgery) { f.replace("\nChain ID: solana:devnet", "") }},
		{"no nonce", malformed, siwe.FieldNonce, func(f *forgery) { f.field("Nonce", "x"); f.replace("\nNonce: x", "") }},
		{"no version", malformed, siwe.FieldVersion, func(f *forgery) { f.replace("\nVersion: 1", "") }},
		{"no URI", malformed, siwe.FieldURI, func(f *forgery) { f.replace("\nURI: https://app.example.com", "") }},
		{"no time of issue", malformed, siwe.FieldIssuedAt, func(f *forgery) { f.field("Issued At", "x"); f.replace("\nIssued At: x", "") }},
		{"other order", malformed, "", func(f *forgery) {
			f.replace("\nVersion: 1\nChain ID: solana:devnet", "\nChain ID: solana:devnet\nVersion: 1")
		}},
		{"CRLF", malformed, siwe.FieldDomain, func(f *forgery) { f.text = strings.ReplaceAll(f.text, "\n", "\r\n") }},
		{"CR", malformed, siwe.FieldDomain, func(f *forgery) { f.text = strings.ReplaceAll(f.text, "\n", "\r") }},
		{"line separators", malformed, siwe.FieldDomain, func(f *forgery) { f.text = strings.ReplaceAll(f.text, "\n", "\u2028") }},
		{"CR before one field", malformed, siwe.FieldMessage, func(f *forgery) { f.replace("\nIssued", "\r\nIssued") }},
		{"two empty lines before the statement", malformed, siwe.FieldStatement, func(f *forgery) { f.replace("\n\nI accept", "\n\n\nI accept") }},
		{"no empty line", malformed, "", func(f *forgery) { f.replace("terms.\n\n", "terms.\n") }},
		{"resource with a lower-case escape that is rewritten", malformed, "", func(f *forgery) { f.replace("/terms", "/a b") }},
		{"too long", malformed, siwe.FieldMessage, func(f *forgery) { f.text += strings.Repeat("\n- https://app.example.com/terms", 300) }},
		{"empty", malformed, siwe.FieldDomain, func(f *forgery) { f.text = "" }},
		{"an Ethereum message", malformed, siwe.FieldDomain, func(f *forgery) {
			f.replace("Solana account:\n"+f.w.Address, "Ethereum account:\n0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2")
		}},
		{"after it has expired", rejected, siwe.FieldExpirationTime, func(f *forgery) { f.at = began.Add(10*time.Minute - 400*time.Millisecond) }},
		{"a request id", "", "", func(f *forgery) { f.replace("\nResources:", "\nRequest ID: 4f2a91c0\nResources:") }},
		{"not before now", "", "", func(f *forgery) { f.replace("\nResources:", "\nNot Before: 2026-03-14T15:09:26Z\nResources:") }},
		{"an Ä in the statement", "", "", func(f *forgery) { f.replace("I accept the terms.", "Ä 你好") }},
		{"nothing changed", "", "", func(*forgery) {}},
	},
	each("address", malformed, siwe.FieldAddress, address, "", "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "1", strings.Repeat("z", 44), strings.Repeat("z", 200)),
	{
		{"address with a leading 1", malformed, siwe.FieldAddress, func(f *forgery) { address(f, "1"+f.w.Address) }},
		{"address with a space", malformed, siwe.FieldAddress, func(f *forgery) { address(f, f.w.Address+" ") }},
		{"address in lower case", malformed, siwe.FieldAddress, func(f *forgery) { address(f, strings.ToLower(f.w.Address)+"0") }},
		{"address with a look-alike", malformed, siwe.FieldAddress, func(f *forgery) { address(f, f.w.Address[:10]+"а"+f.w.Address[11:]) }},
		{"address in hexadecimal", malformed, siwe.FieldAddress, func(f *forgery) { address(f, hex.EncodeToString(f.w.Key[32:])) }},
		{"address of 31 bytes", malformed, siwe.FieldAddress, func(f *forgery) { address(f, solanatest.Base58(f.w.Key[33:])) }},
		{"address of 33 bytes", malformed, siwe.FieldAddress, func(f *forgery) { address(f, solanatest.Base58(append([]byte{1}, f.w.Key[32:]...))) }},
		{"CAIP-10 instead of the address", malformed, siwe.FieldAddress, func(f *forgery) { address(f, "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1:"+f.w.Address) }},
		{"address of another", rejected, siwe.FieldSignature, func(f *forgery) { address(f, wallet(9).Address) }},
		{"address of no key", rejected, siwe.FieldSignature, func(f *forgery) { address(f, offCurve) }},
	},
	each("signature", malformed, siwe.FieldSignature, signature, "", "1", "0x"+strings.Repeat("ab", 64), strings.Repeat("1", 63), strings.Repeat("1", 65), strings.Repeat("z", 88), strings.Repeat("z", 4096), strings.Repeat("A", 86)+"=", strings.Repeat("=", 88), "=="),
	{
		{"signature of zeros", rejected, siwe.FieldSignature, func(f *forgery) { signature(f, strings.Repeat("1", 64)) }},
		{"signature with a leading 1", malformed, siwe.FieldSignature, func(f *forgery) { f.sign = func(s string) string { return "1" + f.w.Sign(s) } }},
		{"signature and a byte", malformed, siwe.FieldSignature, bytesOf(func(s []byte) []byte { return append(s, 0) })},
		{"signature without its last byte", malformed, siwe.FieldSignature, bytesOf(func(s []byte) []byte { return s[:63] })},
		{"one bit of R", rejected, siwe.FieldSignature, bytesOf(func(s []byte) []byte { s[3] ^= 1; return s })},
		{"one bit of S", rejected, siwe.FieldSignature, bytesOf(func(s []byte) []byte { s[40] ^= 1; return s })},
		{"S and the order", rejected, siwe.FieldSignature, bytesOf(addOrder)},
		{"the sign of R", rejected, siwe.FieldSignature, bytesOf(func(s []byte) []byte { s[31] ^= 0x80; return s })},
		{"R and S exchanged", rejected, siwe.FieldSignature, bytesOf(func(s []byte) []byte { return append(append([]byte{}, s[32:]...), s[:32]...) })},
		{"signature of another text", rejected, siwe.FieldSignature, func(f *forgery) { f.sign = func(s string) string { return f.w.Sign(s + "\n") } }},
		{"signature of another", rejected, siwe.FieldSignature, func(f *forgery) { f.sign = wallet(9).Sign }},
		{"signature of the hash (Ed25519ph)", rejected, siwe.FieldSignature, func(f *forgery) {
			f.sign = func(s string) string {
				digest := sha512.Sum512([]byte(s))
				sig, err := f.w.Key.Sign(nil, digest[:], crypto.SHA512)
				if err != nil {
					f.t.Fatal(err)
				}
				return solanatest.Base58(sig)
			}
		}},
		{"base 64 without padding", malformed, siwe.FieldSignature, base64Of(base64.RawStdEncoding)},
		{"base 64 with stray bits", malformed, siwe.FieldSignature, func(f *forgery) {
			f.sign = func(s string) string {
				b := []byte(base64.StdEncoding.EncodeToString(ed25519.Sign(f.w.Key, []byte(s))))
				b[85] = strayBits(b[85]) // 4 bits of the last character mean nothing
				return string(b)
			}
		}},
		{"base 64", "", "", base64Of(base64.StdEncoding)},
	},
}

// strayBits returns a character of base 64 whose low bits are set.
func strayBits(c byte) byte {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	return digits[strings.IndexByte(digits, c)|1]
}

func bytesOf(change func([]byte) []byte) func(f *forgery) {
	return func(f *forgery) {
		f.sign = func(s string) string { return solanatest.Base58(change(ed25519.Sign(f.w.Key, []byte(s)))) }
	}
}

func base64Of(encoding *base64.Encoding) func(f *forgery) {
	return func(f *forgery) {
		f.sign = func(s string) string { return encoding.EncodeToString(ed25519.Sign(f.w.Key, []byte(s))) }
	}
}

// addOrder adds the order of the group to S: the same signature, to who does not check.
func addOrder(sig []byte) []byte {
	order, _ := hex.DecodeString("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	carry := 0
	for i, b := range order {
		carry += int(sig[32+i]) + int(b)
		sig[32+i], carry = byte(carry), carry>>8
	}
	return sig
}

// offCurve is the address of a program, which has no key.
var offCurve = func() string {
	for n := byte(0); ; n++ {
		b := append(make([]byte, 31), n)
		b[0] = 2
		if _, err := new(edwards25519.Point).SetBytes(b); err != nil {
			return solanatest.Base58(b)
		}
	}
}()

func TestHostileMessages(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	count := 0
	for _, list := range hostileMessages {
		for _, c := range list {
			t.Run(c.name, func(t *testing.T) {
				f := &forgery{t: t, w: wallet(1), at: began}
				f.sign = f.w.Sign
				f.text = challenge(t, d, signIn(f.w), requester()).Text
				c.bend(f)
				d.now = f.at
				defer func() { d.now = began }()
				proof, err := d.Prove(f.text, f.sign(f.text), requester())
				if c.code == "" {
					if err != nil {
						t.Fatal(err)
					}
					return
				}
				var refused *identity.Error
				if !errors.As(err, &refused) || refused.Code != c.code || c.names != "" && refused.Field != c.names {
					t.Fatalf("want %s of %s, got %v", c.code, c.names, err)
				}
				if proof.Secret != nil || proof.Subject != "" {
					t.Errorf("a refusal has a proof: %+v", proof)
				}
			})
			if c.code != "" {
				count++
			}
		}
	}
	if t.Logf("%d hostile messages", count); count < 120 {
		t.Errorf("%d hostile messages, want at least 120", count)
	}
}

// For a key of small order there are signatures that package ed25519 takes for every
// text, made without any key.
func TestKeysThatNoWalletHas(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	base := edwards25519.NewGeneratorPoint()
	one, err := edwards25519.NewScalar().SetCanonicalBytes(append([]byte{1}, make([]byte, 31)...))
	if err != nil {
		t.Fatal(err)
	}
	forged := append(base.Bytes(), one.Bytes()...) // S·B = R, and h·A is nothing
	neutral := append([]byte{1}, make([]byte, 31)...)
	if !ed25519.Verify(neutral, []byte("any text"), forged) {
		t.Error("package ed25519 refuses this by itself now")
	}
	keys := map[string][]byte{}
	for _, y := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000", "0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		for _, sign := range []byte{0, 0x80} {
			b, err := hex.DecodeString(y)
			if err != nil {
				t.Fatal(err)
			}
			b[31] |= sign
			if p, err := new(edwards25519.Point).SetBytes(b); err == nil && new(edwards25519.Point).MultByCofactor(p).Equal(edwards25519.NewIdentityPoint()) != 1 {
				t.Errorf("%x is not of small order", b)
			}
			keys[hex.EncodeToString(b)] = b
		}
	}
	for low := byte(0xed); low != 0; low++ { // y from the field's order on: each is another spelling of a smaller y
		b := append([]byte{low}, make([]byte, 31)...)
		for i := 1; i < 32; i++ {
			b[i] = 0xff
		}
		keys["not reduced "+hex.EncodeToString(b)] = b
	}
	for name, key := range keys {
		text := strings.Replace(challenge(t, d, signIn(wallet(1)), requester()).Text, wallet(1).Address, solanatest.Base58(key), 1)
		var refused *identity.Error
		if _, err := d.Prove(text, solanatest.Base58(forged), requester()); !errors.As(err, &refused) || refused.Field != siwe.FieldAddress || refused.Code != rejected {
			t.Errorf("%s: %v", name, err)
		}
	}
	// An R of small order, which Solana refuses too: S = h·a makes R the neutral element.
	w := wallet(1)
	text := challenge(t, d, signIn(w), requester()).Text
	sig := smallR(t, w, text)
	if !ed25519.Verify(ed25519.PublicKey(w.Key[32:]), []byte(text), sig) {
		t.Error("package ed25519 refuses this by itself now")
	}
	if _, err := d.Prove(text, solanatest.Base58(sig), requester()); identity.ErrorCode(err) != rejected {
		t.Errorf("R of small order: %v", err)
	}
}
