package solana_test

import (
	"crypto/sha512"
	"strings"
	"testing"

	"filippo.io/edwards25519"

	"github.com/latchkey/latchkey/identity/method/solana"
	"github.com/latchkey/latchkey/internal/testkit/solanatest"
)

// smallR signs with the neutral element as R.
func smallR(t *testing.T, w solanatest.Wallet, text string) []byte {
	t.Helper()
	r := append([]byte{1}, make([]byte, 31)...)
	secret := sha512.Sum512(w.Key.Seed())
	a, err := edwards25519.NewScalar().SetBytesWithClamping(secret[:32])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha512.New()
	sum.Write(r)
	sum.Write(w.Key[32:])
	sum.Write([]byte(text))
	h, err := edwards25519.NewScalar().SetUniformBytes(sum.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	return append(r, h.Multiply(h, a).Bytes()...)
}

// What Parse takes, String writes again, and nothing makes it panic.
func FuzzParse(f *testing.F) {
	d := deploy(f)
	text := challenge(f, d, signIn(wallet(1)), requester()).Text
	for _, seed := range []string{text, strings.Replace(text, "I accept the terms.\n\n", "", 1), strings.Replace(text, "I accept the terms.\n", "\n", 1), text + "\n", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if m, err := solana.Parse(raw); err == nil && m.String() != raw {
			t.Errorf("%q is written as %q", raw, m.String())
		}
	})
}
