package siwe

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/big"
	"time"
)

// DefaultNonceTTL is how long a nonce lives: long enough for a phone that
// switches to its wallet application and back.
const DefaultNonceTTL = 10 * time.Minute

// The refusals of a nonce. There are only two: distinguishing a forged nonce from
// one of another browser would help only an attacker.
var (
	ErrNonceInvalid = errors.New("siwe: nonce was not issued here for this use")
	ErrNonceExpired = errors.New("siwe: nonce has expired")
)

// The bytes of a nonce, before they are written in base 62:
//
//	1 (keeps leading zeros) | expiry, unix seconds (5) | random (12) | MAC (16) | purpose
const (
	expiryBytes  = 5
	randomBytes  = 12
	macBytes     = 16
	purposeStart = 1 + expiryBytes + randomBytes + macBytes
	maxPurpose   = 16
	maxNonce     = 80 // no nonce of ours is longer; bounds the decoding
	base62       = 62
)

// Nonces issues and opens nonces that need no storage: everything is in the nonce
// itself, under a MAC. They survive a restart and are valid at every replica that
// has the same key.
//
// A nonce stays valid until it expires. The caller must see to it that it is used
// once: insert its hash into a unique index in the transaction that acts on the
// proof, and delete the row after the expiry.
type Nonces struct {
	key []byte
	ttl time.Duration
}

// Binding is where a nonce may be used. The MAC covers it, and it cannot be read
// from the nonce.
type Binding struct {
	Flow    string // secret of the browser or client that asked, kept in its flow cookie
	Session string // id of the session it asked with, "" without one
	Origin  string // origin that asked, such as "https://app.example.com"
}

// NewNonces takes the MAC key, at least 32 random bytes used for nothing else,
// and the lifetime; zero means [DefaultNonceTTL]. It panics on a shorter key.
func NewNonces(key []byte, ttl time.Duration) *Nonces {
	if len(key) < 32 {
		panic("siwe: nonce key must have at least 32 bytes")
	}
	if ttl <= 0 {
		ttl = DefaultNonceTTL
	}
	return &Nonces{key: append([]byte(nil), key...), ttl: ttl}
}

// Issue returns a fresh nonce for one purpose, of 1 to 16 bytes, such as
// "sign_in", and when it expires, in whole seconds. It has about 55 ASCII
// letters and digits. The purpose can be read by anyone who sees the nonce.
func (n *Nonces) Issue(purpose string, b Binding, now time.Time) (nonce string, expiresAt time.Time, err error) {
	if len(purpose) == 0 || len(purpose) > maxPurpose {
		return "", time.Time{}, errors.New("siwe: a nonce's purpose must have 1 to 16 bytes")
	}
	expiresAt = now.Add(n.ttl).UTC().Truncate(time.Second)
	raw := make([]byte, purposeStart, purposeStart+maxPurpose)
	raw[0] = 1
	var expiry [8]byte
	binary.BigEndian.PutUint64(expiry[:], uint64(expiresAt.Unix()))
	copy(raw[1:], expiry[8-expiryBytes:])
	if _, err := rand.Read(raw[1+expiryBytes : 1+expiryBytes+randomBytes]); err != nil {
		return "", time.Time{}, err
	}
	raw = append(raw, purpose...)
	copy(raw[1+expiryBytes+randomBytes:], n.mac(raw, b))
	return new(big.Int).SetBytes(raw).Text(base62), expiresAt, nil
}

// Open checks that a nonce was issued here, for this binding, and that it has
// not expired at now, and returns what it is for. The error is
// [ErrNonceInvalid] or [ErrNonceExpired].
func (n *Nonces) Open(nonce string, b Binding, now time.Time) (purpose string, expiresAt time.Time, err error) {
	raw, ok := decodeNonce(nonce)
	if !ok || !hmac.Equal(raw[1+expiryBytes+randomBytes:purposeStart], n.mac(raw, b)) {
		return "", time.Time{}, ErrNonceInvalid
	}
	var expiry [8]byte
	copy(expiry[8-expiryBytes:], raw[1:])
	expiresAt = time.Unix(int64(binary.BigEndian.Uint64(expiry[:])), 0).UTC()
	if !now.Before(expiresAt) {
		return "", time.Time{}, ErrNonceExpired
	}
	return string(raw[purposeStart:]), expiresAt, nil
}

// decodeNonce undoes the base 62. A nonce has one spelling only, or it could be
// used once in each.
func decodeNonce(nonce string) ([]byte, bool) {
	if len(nonce) > maxNonce || !isNonce(nonce) {
		return nil, false
	}
	v, ok := new(big.Int).SetString(nonce, base62)
	if !ok || v.Text(base62) != nonce {
		return nil, false
	}
	raw := v.Bytes()
	if len(raw) <= purposeStart || len(raw) > purposeStart+maxPurpose || raw[0] != 1 {
		return nil, false
	}
	return raw, true
}

// mac covers everything but itself. Each part goes in behind its length, so no
// two inputs share a MAC by moving bytes from one part to the next.
func (n *Nonces) mac(raw []byte, b Binding) []byte {
	h := hmac.New(sha256.New, n.key)
	for _, part := range [][]byte{
		[]byte("siwe nonce 1"), raw[:1+expiryBytes+randomBytes], raw[purposeStart:],
		[]byte(b.Flow), []byte(b.Session), []byte(b.Origin),
	} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write(part)
	}
	return h.Sum(nil)[:macBytes]
}
