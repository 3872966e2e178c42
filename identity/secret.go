package identity

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
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

// Secrets are the configured secret and, while it is being rotated, the one before
// or after it. New values are made under the first; values under any of them verify
// and open.
type Secrets []string

// Keys derives the keys for one use, in the order of the secrets.
func (s Secrets) Keys(use string) Keys {
	keys := make(Keys, len(s))
	for i, secret := range s {
		keys[i] = DeriveKey(secret, use)
	}
	return keys
}

// Keys are keys for one use. There is at least one.
type Keys [][]byte

// Primary returns the key for new values.
func (k Keys) Primary() []byte { return k[0] }

// Verifying returns the key under which mac gives sum, or nil if none does.
func (k Keys) Verifying(sum []byte, mac func(key []byte) []byte) []byte {
	var found []byte
	for _, key := range k {
		if hmac.Equal(sum, mac(key)) && found == nil {
			found = key // the others are compared too: it takes as long
		}
	}
	return found
}

// KeyID names a key without telling anything of it.
func KeyID(key []byte) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("key id"))
	return hex.EncodeToString(h.Sum(nil)[:8])
}
