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

// Ticket is what a refusal lets its receiver redeem: a merge of two proven
// users, or a link that an older way in must confirm. It keeps the exact proof
// and is bound to one browser; a merge ticket also to one session.
type Ticket struct {
	ID          identity.ID
	TokenHash   []byte
	Kind        TicketKind
	OwnerID     identity.ID  // who owns the identity or the address
	HolderID    *identity.ID // merge: who was signed in
	SessionID   *identity.ID // merge: by which session
	BrowserHash []byte
	Proof       StoredProof
	CreatedAt   time.Time
	ExpiresAt   time.Time
	UsedAt      *time.Time
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
