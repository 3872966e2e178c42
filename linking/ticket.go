package linking

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// TicketLifetime leaves time to sign in by an old method and to read a preview.
const TicketLifetime = 15 * time.Minute

// Ticket is what a refusal lets the person redeem: a merge of two proven users,
// or a link that an older sign-in method must confirm. It keeps the exact proof
// and is bound to one browser and, to be redeemed, to one session.
type Ticket struct {
	ID          identity.ID
	TokenHash   []byte
	Kind        TicketKind
	OwnerID     identity.ID  // who owns the identity or the address
	HolderID    *identity.ID // merge: who was signed in; link: the owner, once signed in for it
	SessionID   *identity.ID // by which session
	Ground      Ground       // merge: what proves the owner
	BrowserHash []byte
	Proof       StoredProof
	CreatedAt   time.Time
	ExpiresAt   time.Time
	UsedAt      *time.Time
}

// Ground is by what a merge ticket proves its owner.
type Ground string

// The grounds of merge tickets. A ticket without one is of an older release.
const (
	GroundIdentity Ground = "identity"
	GroundAddress  Ground = "address"
)

func groundOf(d Decision) Ground {
	if d.Reason == ReasonOwnedByAnother {
		return GroundIdentity
	}
	return GroundAddress
}

// Open reports whether the ticket can be redeemed at now.
func (t Ticket) Open(now time.Time) bool { return t.UsedAt == nil && now.Before(t.ExpiresAt) }

// StoredProof is a proof as a ticket keeps it: JSON, without the secret, which
// has been burned.
type StoredProof identity.Proof

// Value implements driver.Valuer.
func (p StoredProof) Value() (driver.Value, error) {
	p.Secret = nil
	raw, err := json.Marshal(identity.Proof(p))
	return string(raw), err
}

// Scan implements sql.Scanner.
func (p *StoredProof) Scan(src any) error {
	switch v := src.(type) {
	case string:
		return json.Unmarshal([]byte(v), (*identity.Proof)(p))
	case []byte:
		return json.Unmarshal(v, (*identity.Proof)(p))
	}
	return fmt.Errorf("stored proof: cannot scan %T", src)
}
