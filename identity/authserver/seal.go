package authserver

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"io"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// codeLifetime is how long a code can be exchanged.
const codeLifetime = time.Minute

// maxSealed bounds what is opened, in characters.
const maxSealed = 8192

// code is what an authorization code holds. It is encrypted, not kept: a flood of
// requests costs no memory, and every replica opens it. The id of the session that it
// makes is in it, which makes a second use known, however late.
type code struct {
	SessionID   identity.ID            `json:"i"`
	ClientID    string                 `json:"c"`
	RedirectURI string                 `json:"r"`
	Challenge   string                 `json:"p"`
	Nonce       string                 `json:"n,omitempty"`
	Scopes      []string               `json:"o,omitempty"`
	Resources   []string               `json:"u,omitempty"`
	UserID      identity.ID            `json:"s"`
	ParentID    identity.ID            `json:"b"`
	TeamID      *identity.ID           `json:"t,omitempty"`
	GrantID     *identity.ID           `json:"g,omitempty"`
	Document    []byte                 `json:"d,omitempty"` // the hash of the client's document
	From        identity.RequestOrigin `json:"f"`           // the browser
	ExpiresAt   int64                  `json:"e"`           // microseconds
}

// consent is what the consent page asks about. It is bound to the session that it was
// made for, and lives as long as its trip.
type consent struct {
	Trip      trip        `json:"t"`
	UserID    identity.ID `json:"u"`
	SessionID identity.ID `json:"s"`
	Document  []byte      `json:"d,omitempty"` // the hash of the client's document
}

// The uses of sealed values. One never opens as another.
const (
	useCode    = "authorization code"
	useTrip    = "authorization request"
	useConsent = "consent"
	useDevice  = "device request"
)

// seal returns a value as text for an address.
func (s *Service) seal(use string, v any) (string, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(plain); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.sealer.Seal(b.Bytes(), []byte(use))), nil
}

// open reads what seal made for the same use, and reports whether it is that.
func (s *Service) open(use, text string, v any) bool {
	if len(text) > maxSealed {
		return false
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return false
	}
	packed, err := s.sealer.Unseal(sealed, []byte(use))
	if err != nil {
		return false
	}
	plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed))) // only what we packed ourselves
	return err == nil && json.Unmarshal(plain, v) == nil
}
