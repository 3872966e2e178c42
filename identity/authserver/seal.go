package authserver

import (
	"time"

	"github.com/latchkey/latchkey/identity"
)

// codeLifetime is how long a code can be exchanged.
const codeLifetime = time.Minute

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
