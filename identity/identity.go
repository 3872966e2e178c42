// Package identity is the domain of Latchkey: who a person is and how they
// proved it. It knows no database, no HTTP and nothing else of the project.
package identity

import (
	"time"

	"github.com/google/uuid"
)

// ID identifies every row of the product: a UUID version 7 (RFC 9562), so that
// ids sort by the time they were made.
type ID = uuid.UUID

// NewID returns a new UUIDv7. It panics only if the system has no randomness,
// which is no state to go on in.
func NewID() ID { return uuid.Must(uuid.NewV7()) }

// Clock returns the time. It is injected so that tests own time.
type Clock func() time.Time

// SystemClock is the wall clock in UTC, cut to the microsecond that both
// storage engines keep, so that a stored time equals the one in memory.
func SystemClock() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// ClockSkew is how far another party's clock may be from ours, for every time
// that another party writes.
const ClockSkew = time.Minute

// Status is the state of a user.
type Status string

// A disabled user keeps everything but cannot sign in; a merged one is a
// tombstone that points to the survivor.
const (
	StatusActive   Status = "active"
	StatusDisabled Status = "disabled"
	StatusMerged   Status = "merged"
)

// User is the canonical person.
type User struct {
	ID           ID
	DisplayName  string
	AvatarURL    string
	PrimaryEmail *string // a verified address of this user, canonical
	Status       Status
	MergedInto   *ID // the survivor, only with StatusMerged
	Operator     bool
	OnboardedAt  *time.Time
	Metadata     RawMetadata // the person's own, see CheckMetadata
	CreatedAt    time.Time
	UpdatedAt    time.Time

	// The rest is read where users are administered. Sessions do not carry it.

	// ExternalID is what the application knows the user by, such as the id in the
	// system they were imported from; unique. Nil for none.
	ExternalID *string
	// AppMetadata is the application's own: only its backend and imports write it.
	AppMetadata RawMetadata
	// SuspendedUntil is when a suspension ends by itself; nil if only an operator
	// ends it.
	SuspendedUntil *time.Time
	// CreatedByKey is the API key that created the user, who has no sign-in method
	// until they are merged with someone who does; nil for one who signed in or was
	// imported.
	CreatedByKey *ID
}

// Summary is how a user is shown to others.
type Summary struct {
	DisplayName  string
	PrimaryEmail *string
	// PrimaryWallet, EIP-55 or a Solana address, is set only for users without a name and
	// an address.
	// For others it is private.
	PrimaryWallet *string
}

// Active reports whether the user may sign in.
func (u User) Active() bool { return u.Status == StatusActive }

// Identity is one sign-in method: (provider, subject), owned by exactly one user.
type Identity struct {
	ID       ID
	UserID   ID
	Provider string
	Subject  string
	Label    string
	// Email is what the provider showed last, canonical where it has a
	// canonical form. It is for display and history only; what a user owns is
	// in Email rows.
	Email string
	// EmailAuthoritative reports whether the provider vouched for Email.
	EmailAuthoritative bool
	// VouchesElsewhere reports whether the identity has a live voucher for another
	// address than Email. Only IdentityOwner of the store fills it in.
	VouchesElsewhere bool `bun:"-"`
	// KeyID is the API key that has just vouched for the person. Stores leave it out.
	KeyID         *ID     `bun:"-"`
	WalletAddress *string // EIP-55
	WalletChainID *int64  // EIP-155
	WalletKind    *string // "eoa" or "contract"
	TermsVersion  string  // of the terms whose statement the wallet signed last
	IsPrimary     bool    // the primary wallet; at most one per user
	// Passkey is what is kept of a passkey, nil for others. Only what lists identities
	// for people fills it in.
	Passkey    *Passkey `bun:"-" json:"-"`
	CreatedAt  time.Time
	LastUsedAt time.Time // to the minute
}

// Email is a verified address of a user. There is no other kind: an address
// is on a user only once it is verified.
type Email struct {
	Address    string // canonical, see CanonicalEmail
	UserID     ID
	Source     string // the provider that vouched for it
	VerifiedAt time.Time
	// Contested reports whether someone else has vouched for it at some time, and
	// the user has not settled that. Only lists fill it in.
	Contested bool `bun:"-"`
	// OnlyBy is the identity that alone vouches for it: without it the address
	// leaves the user. Nil where something else vouches, too. Only lists fill it in.
	OnlyBy *ID `bun:"-"`
}

// UserFilter narrows a list of users. Zero fields do not filter.
type UserFilter struct {
	Search string // is a part of the name, a verified address or a wallet
	Email  string // canonical, verified
	Wallet string // EIP-55
	IDs    []ID
}

// Leave is that a user leaves, or has left.
type Leave struct {
	DeletesAt  time.Time
	DeletedAt  *time.Time
	RestoresTo Status // if they come back
}
