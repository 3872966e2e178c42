// Package solanatest is a Solana wallet, in software.
package solanatest

import (
	"crypto/ed25519"
	"math/big"
	"strings"
	"testing"
)

// Wallet is an account with its key.
type Wallet struct {
	Key     ed25519.PrivateKey
	Address string
}

// New returns a wallet with a new key.
func New(t testing.TB) Wallet {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return Of(key)
}

// Of returns the wallet of a key.
func Of(key ed25519.PrivateKey) Wallet {
	return Wallet{Key: key, Address: Base58(key.Public().(ed25519.PublicKey))}
}

// Sign returns the signature over a text, in base 58.
func (w Wallet) Sign(text string) string { return Base58(ed25519.Sign(w.Key, []byte(text))) }

// Base58 writes bytes digit by digit, differently from the service.
func Base58(b []byte) string {
	const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	var out strings.Builder
	for i := 0; i < len(b) && b[i] == 0; i++ {
		out.WriteByte('1')
	}
	var digits []byte
	for n, base := new(big.Int).SetBytes(b), big.NewInt(58); n.Sign() > 0; {
		digit := new(big.Int)
		n.DivMod(n, base, digit)
		digits = append(digits, alphabet[digit.Int64()])
	}
	for i := len(digits) - 1; i >= 0; i-- {
		out.WriteByte(digits[i])
	}
	return out.String()
}
