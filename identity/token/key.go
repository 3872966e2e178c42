// Package token makes and reads the tokens that services other than Latchkey
// check: signed access tokens (RFC 9068), the keys that sign them, and refresh
// tokens.
package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/latchkey/latchkey/identity"
)

// Alg is a signature algorithm (RFC 7518, RFC 8037). There are no others:
// what a token says of its algorithm never picks a weaker one.
type Alg string

// The algorithms.
const (
	EdDSA Alg = "EdDSA" // Ed25519
	ES256 Alg = "ES256" // P-256 with SHA-256
	// RS256 is RSA of 2048 bits with SHA-256; for ID tokens only, as every client of
	// OpenID Connect has it.
	RS256 Alg = "RS256"
)

func (a Alg) method() jwt.SigningMethod { return jwt.GetSigningMethod(string(a)) }

// Key signs access tokens or ID tokens. It is published before it signs, and stays
// published until the last token it signed has expired.
type Key struct {
	Kid       string // RFC 7638 thumbprint of the public key
	Alg       Alg
	PublicJWK string // JSON, as it is published
	Sealed    []byte // the private key, PKCS #8, sealed for Kid
	CreatedAt time.Time
	ActiveAt  time.Time  // signs from then on, until a newer one does
	ExpiresAt *time.Time // when it is no longer needed; nil until there is a newer one
}

// Lives reports whether the key is published at now.
func (k Key) Lives(now time.Time) bool { return k.ExpiresAt == nil || now.Before(*k.ExpiresAt) }

// newKey makes a key. The private half leaves this function only sealed.
func newKey(alg Alg, sealer identity.Sealer, now, active time.Time) (Key, error) {
	private, err := generate(alg)
	if err != nil {
		return Key{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return Key{}, err
	}
	jwk := jose.JSONWebKey{Key: private.Public(), Algorithm: string(alg), Use: "sig"}
	thumbprint, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return Key{}, err
	}
	jwk.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	public, err := json.Marshal(jwk)
	if err != nil {
		return Key{}, err
	}
	return Key{
		Kid: jwk.KeyID, Alg: alg, PublicJWK: string(public), Sealed: sealer.Seal(der, []byte(jwk.KeyID)),
		CreatedAt: now, ActiveAt: active,
	}, nil
}

func generate(alg Alg) (crypto.Signer, error) {
	switch alg {
	case EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RS256:
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return nil, fmt.Errorf("unknown signature algorithm %q", alg)
}

// public returns the key that verifies.
func (k Key) public() (crypto.PublicKey, error) {
	var jwk jose.JSONWebKey
	if err := json.Unmarshal([]byte(k.PublicJWK), &jwk); err != nil {
		return nil, fmt.Errorf("signing key %s: %w", k.Kid, err)
	}
	return jwk.Key, nil
}

// open returns the private key.
func (k Key) open(sealer identity.Sealer) (crypto.Signer, error) {
	der, err := sealer.Unseal(k.Sealed, []byte(k.Kid))
	if err != nil {
		return nil, errSealed(k.Kid)
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", k.Kid, err)
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("signing key %s cannot sign", k.Kid)
	}
	return signer, nil
}

func errSealed(kid string) error {
	return fmt.Errorf("signing key %s was sealed under another LATCHKEY_SECRET: create a new one with `latchkey keys rotate --compromised`", kid)
}
