package siwe_test

import (
	"crypto/ecdsa"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/latchkey/latchkey/siwe"
)

var now = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)

// key makes a throwaway key from a number, so that failures repeat.
func key(t testing.TB, n byte) (*ecdsa.PrivateKey, common.Address) {
	t.Helper()
	k, err := crypto.ToECDSA(crypto.Keccak256([]byte{n}))
	ok(t, err)
	return k, crypto.PubkeyToAddress(k.PublicKey)
}

// message is one that expectation accepts.
func message(a common.Address) siwe.Message {
	return siwe.Message{
		Domain: "app.example.com", Address: a, Statement: "Sign in to the example.",
		URI: "https://app.example.com/login", ChainID: 1, Nonce: "abcdefgh12345678", IssuedAt: now.Add(-time.Minute),
	}
}

func expectation() siwe.Expectation {
	return siwe.Expectation{
		Domain: "app.example.com", Origin: "https://app.example.com", Chains: []uint64{1, 1337}, Now: now,
		Nonce: func(nonce string) error {
			if nonce != "abcdefgh12345678" {
				return errors.New("unknown nonce")
			}
			return nil
		},
	}
}

func build(t testing.TB, m siwe.Message) string {
	t.Helper()
	text, err := siwe.Build(m)
	ok(t, err)
	return text
}

// personalSign is what a wallet does (EIP-191), by go-ethereum's own hash.
func personalSign(t testing.TB, k *ecdsa.PrivateKey, text string) []byte {
	t.Helper()
	sig, err := crypto.Sign(accounts.TextHash([]byte(text)), k)
	ok(t, err)
	sig[64] += 27
	return sig
}

func signHex(t testing.TB, k *ecdsa.PrivateKey, text string) string {
	return hexutil.Encode(personalSign(t, k, text))
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

func equal[T any](t testing.TB, want, got T) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		t.Fatalf("want %#v\n got %#v", want, got)
	}
}

// refused asserts the field and kind of a refusal, and returns it.
func refused(t testing.TB, err error, field string, kind siwe.ErrorKind) *siwe.Error {
	t.Helper()
	var e *siwe.Error
	if !errors.As(err, &e) {
		t.Fatalf("want a refusal of %s (%s), got %v", field, kind, err)
	}
	if e.Field != field || e.Kind != kind || e.Reason == "" {
		t.Fatalf("want a refusal of %s (%s), got %s (%s)", field, kind, e, e.Kind)
	}
	return e
}

func ptr[T any](v T) *T { return &v }
