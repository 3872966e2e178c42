// Package recovery makes and reads the codes that let people in who have lost
// every other way.
package recovery

import (
	"crypto/rand"
	"strings"

	"github.com/latchkey/latchkey/identity"
)

const (
	// Count is how many codes a user gets at once.
	Count = 10

	symbols = 24 // of 5 bits each: 120 random bits
	group   = 4

	// oldSymbols is the length of codes from before, which keep working.
	oldSymbols = 16
)

// alphabet is Crockford's base32: no I, L, O or U, so that a code read aloud or
// copied from paper is not mistaken for another.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewCodes returns codes as they are shown, with the hashes to store.
func NewCodes() (codes []string, hashes [][]byte) {
	seen := make(map[string]bool, Count)
	for len(codes) < Count {
		code := newCode()
		if seen[code] {
			continue
		}
		seen[code] = true
		hash, _ := Hash(code)
		codes, hashes = append(codes, code), append(hashes, hash)
	}
	return codes, hashes
}

func newCode() string {
	var raw [symbols]byte
	_, _ = rand.Read(raw[:]) // never fails: crypto/rand ends the program instead
	var b strings.Builder
	for i, r := range raw {
		if i > 0 && i%group == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(alphabet[r%byte(len(alphabet))]) // 256 is a multiple of 32: no bias
	}
	return b.String()
}

// Hash returns what is stored of a code, however it was typed; false for what
// cannot be a code. SHA-256 and no slow hash: slowness makes up for secrets
// that can be guessed, and these cannot, at any speed. For the same
// reason guessing needs no counter.
func Hash(typed string) ([]byte, bool) {
	canonical, ok := canonical(typed)
	if !ok {
		return nil, false
	}
	return identity.HashSecret(canonical), true
}

// canonical forgives case, grouping and the letters that look like digits.
func canonical(typed string) (string, bool) {
	out := make([]byte, 0, symbols)
	for _, r := range typed {
		switch r {
		case '-', ' ':
			continue
		case 'o', 'O':
			r = '0'
		case 'i', 'I', 'l', 'L':
			r = '1'
		}
		if r >= 'a' && r <= 'z' {
			r -= 'a' - 'A'
		}
		if len(out) == symbols || !strings.ContainsRune(alphabet, r) {
			return "", false
		}
		out = append(out, byte(r)) // in the alphabet, so ASCII
	}
	return string(out), len(out) == symbols || len(out) == oldSymbols
}
