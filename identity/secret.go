package identity

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

const secretBytes = 32

// NewSecret returns 256 random bits as 43 characters of base64url, and the
// hash under which they are stored. The secret itself is never stored.
func NewSecret() (secret string, hash []byte) {
	var b [secretBytes]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	secret = base64.RawURLEncoding.EncodeToString(b[:])
	return secret, HashSecret(secret)
}

// HashSecret is the form in which a secret of high entropy is stored and looked
// up: its SHA-256 (32 bytes). A slow hash would protect nothing more here,
// because 256 random bits cannot be guessed.
func HashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// DeriveKey derives a 32-byte key for one use from the configured secret
// (HKDF-SHA256, RFC 5869), so that a MAC made for one use never verifies for
// another.
func DeriveKey(secret, use string) []byte {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "latchkey "+use, secretBytes)
	if err != nil {
		panic(err) // only for lengths HKDF cannot give; ours is constant
	}
	return key
}
