package method

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/big"
	"slices"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// Attempts seals attempts into tokens and opens them again: the OAuth `state` (RFC 6749
// section 10.12) and the nonce of a wallet's message. A token is a MAC, not a row: it
// survives a restart, every replica opens it, and a flood of them uses no memory. A
// token can be opened until it expires; linking burns it when it applies the proof, see
// Attempt.SingleUse.
type Attempts struct{ keys identity.Keys }

// NewAttempts returns Attempts with keys derived from the configured secrets, of which
// there is at least one: the first seals, and tokens of any of them open.
func NewAttempts(secrets ...string) *Attempts {
	return &Attempts{identity.Secrets(secrets).Keys("sign-in attempt")}
}

// The bytes of a token, before they are written in base 62. The kind is not one of
// them, but the MAC covers it, so a token of one kind is refused as another kind.
//
//	1 (keeps leading zeros) | expiry, unix seconds (5) | random (12) | binding (16)
//	| index of the purpose (1) | options (1) | length of the provider (1) | provider
//	| return_to | MAC (16)
const (
	tokenVersion  = 1
	expiryEnd     = 1 + 5
	randomEnd     = expiryEnd + 12 // makes every token unique, and so its hash
	bindingEnd    = randomEnd + len(Binding{})
	providerStart = bindingEnd + 3
	macBytes      = 16
	maxToken      = 2048 // characters
	maxProvider   = 64
	base62        = 62
)

// Seal returns a token of ASCII letters and digits, because EIP-4361 allows no others in
// a nonce: about 76 for a wallet, at most 2048. The browser, the provider and the wallet
// can read what the attempt is for, but not who began it. CodeInvalidReturnTo if
// ReturnTo is too long for a token.
func (s *Attempts) Seal(a Attempt) (string, error) {
	purpose := slices.Index(purposes, a.Purpose)
	if purpose < 0 || a.Provider == "" || len(a.Provider) > maxProvider {
		return "", errInvalidState()
	}
	raw := make([]byte, 0, providerStart+len(a.Provider)+len(a.ReturnTo)+macBytes)
	raw = append(raw, tokenVersion)
	raw = append(raw, binary.BigEndian.AppendUint64(nil, uint64(a.ExpiresAt.Unix()))[8-(expiryEnd-1):]...)
	raw = raw[:randomEnd]
	_, _ = rand.Read(raw[expiryEnd:]) // never fails: crypto/rand ends the program instead
	raw = append(raw, a.Bound[:]...)
	raw = append(raw, byte(purpose), byte(a.Options), byte(len(a.Provider)))
	raw = append(raw, a.Provider...)
	raw = append(raw, a.ReturnTo...)
	raw = append(raw, sealOf(s.keys.Primary(), a.Kind, raw)...)
	token := new(big.Int).SetBytes(raw).Text(base62)
	if len(token) > maxToken {
		return "", errInvalidReturnTo()
	}
	return token, nil
}

// Open returns the attempt of a token that was sealed here for this kind, if a proof of
// the provider that comes back now, by this requester, matches it. All refusals are the
// same *identity.Error with CodeInvalidState, so that an attacker learns nothing.
func (s *Attempts) Open(kind Kind, token, provider string, by Requester, now time.Time) (Attempt, error) {
	a, _, ok := s.unseal(kind, token)
	if !ok || !a.Matches(provider, by, now) {
		return Attempt{}, errInvalidState()
	}
	return a, nil
}

// Inspect returns the attempt of a token that was sealed here for this kind and
// provider and has not expired, to someone who did not begin it. Whether a proof
// matches it is for Open. CodeInvalidState as there.
func (s *Attempts) Inspect(kind Kind, token, provider string, now time.Time) (Attempt, error) {
	a, _, ok := s.unseal(kind, token)
	if !ok || a.Provider != provider || !now.Before(a.ExpiresAt) {
		return Attempt{}, errInvalidState()
	}
	return a, nil
}

// Flow derives the round trip through a provider from an attempt and its token: the PKCE
// verifier (43 characters, RFC 7636 section 4.1) and the OpenID Connect nonce. Both need
// the key and the browser's flow value, so neither can be computed from the URL, the
// database or what the provider sees.
func (s *Attempts) Flow(a Attempt, token, browser, redirectURL string) Flow {
	key := s.keyOf(token)
	return Flow{
		State:       token,
		Nonce:       text(sum(key, "nonce", []byte(token), []byte(browser))),
		Verifier:    text(sum(key, "verifier", []byte(token), []byte(browser))),
		RedirectURL: redirectURL,
		Purpose:     a.Purpose,
		StartedAt:   a.StartedAt(),
	}
}

// Receipt returns what a browser keeps of a completed round trip: proof that this token
// led to this session. It cannot be forged, and has no other use.
func (s *Attempts) Receipt(token, session string) string {
	return text(sum(s.keyOf(token), "receipt", []byte(token), []byte(session)))
}

// keyOf returns the key that a token of a redirect was sealed with, so that what is
// derived from it stays the same while the secret is rotated.
func (s *Attempts) keyOf(token string) []byte {
	if _, key, ok := s.unseal(ByRedirect, token); ok {
		return key
	}
	return s.keys.Primary() // the token is not ours; nothing is proven by it
}

// unseal returns the attempt of a token that was sealed here for this kind, and the key.
// It does not decide whether the token may be used: see Attempt.Matches.
func (s *Attempts) unseal(kind Kind, token string) (a Attempt, key []byte, ok bool) {
	raw, ok := decode(token)
	if !ok {
		return Attempt{}, nil, false
	}
	sealed, mac := raw[:len(raw)-macBytes], raw[len(raw)-macBytes:]
	key = s.keys.Verifying(mac, func(key []byte) []byte { return sealOf(key, kind, sealed) })
	if key == nil {
		return Attempt{}, nil, false
	}
	a, ok = parse(kind, sealed)
	return a, key, ok
}

// decode reads base 62. A token has one spelling only: another would have another hash,
// and could be used again.
func decode(token string) ([]byte, bool) {
	if len(token) > maxToken {
		return nil, false
	}
	v, ok := new(big.Int).SetString(token, base62)
	if !ok || v.Sign() <= 0 || v.Text(base62) != token {
		return nil, false
	}
	raw := v.Bytes()
	return raw, len(raw) >= providerStart+macBytes && raw[0] == tokenVersion
}

// parse reads the bytes that Seal writes.
func parse(kind Kind, sealed []byte) (Attempt, bool) {
	purpose, options, name, rest := int(sealed[bindingEnd]), sealed[bindingEnd+1], int(sealed[bindingEnd+2]), sealed[providerStart:]
	if purpose >= len(purposes) || name > len(rest) {
		return Attempt{}, false
	}
	expiry := append(make([]byte, 8-(expiryEnd-1), 8), sealed[1:expiryEnd]...)
	return Attempt{
		Kind:      kind,
		Provider:  string(rest[:name]),
		Purpose:   purposes[purpose],
		Options:   SignInOptions(options),
		ReturnTo:  string(rest[name:]),
		Bound:     Binding(sealed[randomEnd:bindingEnd]),
		ExpiresAt: time.Unix(int64(binary.BigEndian.Uint64(expiry)), 0).UTC(),
	}, true
}

func sealOf(key []byte, kind Kind, sealed []byte) []byte {
	return sum(key, "attempt", []byte(kind), sealed)[:macBytes]
}

// sum returns the HMAC-SHA256 of a use and parts, each preceded by its length, so that
// no bytes can move from one part to the next.
func sum(key []byte, use string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range append([][]byte{[]byte(use)}, parts...) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	return h.Sum(nil)
}

func text(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
