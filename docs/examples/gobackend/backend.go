// Package gobackend is the Go example of docs/backends.md: a service that knows
// its users by Latchkey's access tokens, without asking Latchkey on each request.
package gobackend

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// User is who sent a request. Nothing else tells: no body, no other header.
type User struct {
	ID      string `json:"sub"`
	Session string `json:"sid"`
	Team    string `json:"team"`
	Role    string `json:"role"`
}

// keepKeys is for how long a key that Latchkey has removed may still count.
const keepKeys = time.Minute

var algorithms = []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256}

// Verifier checks access tokens. It keeps the keys for a minute, and fetches them
// before when a token names one that it does not know.
type Verifier struct {
	Issuer   string           // LATCHKEY_PUBLIC_URL
	Audience string           // as in LATCHKEY_CLIENTS
	Now      func() time.Time // time.Now

	mu      sync.Mutex
	tokens  *oidc.IDTokenVerifier
	fetched time.Time
}

// current begins with new keys where the old ones are; go-oidc alone keeps them.
func (v *Verifier) current() *oidc.IDTokenVerifier {
	v.mu.Lock()
	defer v.mu.Unlock()
	if now := v.Now(); v.tokens == nil || now.Sub(v.fetched) >= keepKeys {
		keys := oidc.NewRemoteKeySet(context.Background(), v.Issuer+"/.well-known/jwks.json")
		v.fetched, v.tokens = now, oidc.NewVerifier(v.Issuer, keys, &oidc.Config{
			ClientID: v.Audience, SupportedSigningAlgs: []string{"EdDSA", "ES256"}, Now: v.Now,
		})
	}
	return v.tokens
}

// User returns who sent a request, or an error: then answer 401.
func (v *Verifier) User(r *http.Request) (User, error) {
	raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return User{}, errors.New("no bearer token")
	}
	parsed, err := jose.ParseSignedCompact(raw, algorithms)
	if err != nil {
		return User{}, err
	}
	if parsed.Signatures[0].Header.ExtraHeaders[jose.HeaderType] != "at+jwt" {
		return User{}, errors.New("no access token")
	}
	token, err := v.current().Verify(r.Context(), raw)
	if err != nil {
		return User{}, err
	}
	var u User
	return u, token.Claims(&u)
}
