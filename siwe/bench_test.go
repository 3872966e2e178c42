package siwe_test

import (
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/latchkey/latchkey/siwe"
)

func BenchmarkVerify(b *testing.B) {
	k, address := key(b, 1)
	text := build(b, message(address))
	sig := signHex(b, k, text)
	exp := expectation()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := siwe.Verify(b.Context(), text, sig, exp); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRecoverAlone is the floor: one Keccak and one key recovery.
func BenchmarkRecoverAlone(b *testing.B) {
	k, address := key(b, 1)
	text := build(b, message(address))
	sig, err := crypto.Sign(accounts.TextHash([]byte(text)), k)
	ok(b, err)
	for b.Loop() {
		if _, err := crypto.SigToPub(accounts.TextHash([]byte(text)), sig); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	_, address := key(b, 1)
	text := build(b, message(address))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := siwe.Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseWorst is the slowest text of the largest size.
func BenchmarkParseWorst(b *testing.B) {
	text := strings.Replace(full, "Sign in", strings.Repeat("- urn:a ", 900), 1)
	for b.Loop() {
		if _, err := siwe.Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse10MB(b *testing.B) {
	text := strings.Repeat(full, 10<<20/len(full))
	for b.Loop() {
		if _, err := siwe.Parse(text); err == nil {
			b.Fatal("accepted")
		}
	}
}
