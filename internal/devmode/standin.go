package devmode

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
)

const (
	codeLife  = time.Minute      // of an authorization code
	tokenLife = 10 * time.Minute // of an access token and an ID token
	maxGrants = 4096             // codes, and as many access tokens, kept at once
)

// Client is the one client that a stand-in has registered.
type Client struct {
	ID, Secret  string
	RedirectURI string
}

// Standin is a stand-in for one provider: its endpoints, its one client, and the
// grants that are under way.
type Standin struct {
	method.Standin
	// Faults, of tests, must not change once requests come in.
	Faults Faults

	name   string // of the provider
	title  string // for the page
	root   string // URL
	path   string // of root
	issuer string // `iss`, RFC 9207; "" for none
	client Client
	key    *ecdsa.PrivateKey // of ID tokens
	keyID  string
	codes  *vault[grant]
	tokens *vault[person]
	now    identity.Clock
}

// Faults let a stand-in say what an issuer should not, so that tests of what reads
// it need no provider of their own. A nil function changes nothing.
type Faults struct {
	// Metadata changes the discovery document.
	Metadata func(map[string]any)
	// Claims changes an ID token before it is signed.
	Claims func(jwt.MapClaims)
	// Sign signs it in place of Standin.Sign.
	Sign func(jwt.MapClaims) (string, error)
}

// NewStandin returns the stand-in of a provider at a URL.
func NewStandin(spec method.Spec, root string, client Client, now identity.Clock) (*Standin, error) {
	u, err := url.Parse(root)
	if err != nil {
		return nil, fmt.Errorf("root of a stand-in: %w", err)
	}
	s := &Standin{
		Standin: spec.Standin, name: spec.Name, title: spec.Label, root: root, path: u.Path, client: client,
		codes: newVault[grant](maxGrants, codeLife), tokens: newVault[person](maxGrants, tokenLife), now: now,
	}
	if !s.OpenID {
		if s.Issuer != "" {
			s.issuer = root + s.Issuer
		}
		return s, nil
	}
	s.Authorize, s.Token, s.issuer = "/authorize", "/token", root
	if s.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, fmt.Errorf("making the signing key of a stand-in: %w", err)
	}
	point, err := s.key.PublicKey.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encoding the signing key of a stand-in: %w", err)
	}
	sum := sha256.Sum256(point)
	s.keyID = hex.EncodeToString(sum[:8])
	return s, nil
}

// Handle adds the endpoints of the provider.
func (s *Standin) Handle(mux *http.ServeMux) {
	mux.HandleFunc("GET "+s.path+s.Authorize, s.showPage)
	mux.HandleFunc("POST "+s.path+s.Authorize, s.decide)
	if s.OpenID {
		s.handleOpenID(mux)
	} else {
		s.handlePlain(mux)
	}
}
