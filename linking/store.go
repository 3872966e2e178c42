package linking

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
)

// Store is what applying a decision reads and writes. Everything runs in the
// transaction that InTx opened; InTx runs fn again when the transaction lost a
// race, so fn has no effect but through the store.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error

	// BurnSecret records a single-use secret as used. If it was already, the
	// transaction fails with CodeProofUsed: here, or before anything is read that
	// comes after.
	BurnSecret(ctx context.Context, s identity.SingleUse) error
	// IdentityOwner returns the identity and its user, and holds the user's row.
	IdentityOwner(ctx context.Context, provider, subject string) (identity.Identity, identity.User, error)
	// LockParties holds the rows of all users whom a proof may be about, in id order,
	// and returns what is known of them then.
	LockParties(ctx context.Context, p Parties) (PartyRows, error)
	// IdentityOwnerID returns the user of an identity without holding anything.
	IdentityOwnerID(ctx context.Context, provider, subject string) (identity.ID, error)
	// LockUsers returns the users among ids, holding their rows, in id order.
	LockUsers(ctx context.Context, ids ...identity.ID) ([]identity.User, error)
	// IdentitiesOf lists the identities of users, oldest first.
	IdentitiesOf(ctx context.Context, users []identity.ID) ([]identity.Identity, error)
	InsertUser(ctx context.Context, u identity.User) error
	// UserByExternalID returns a user by the application's own id, also one of a user
	// who was merged away.
	UserByExternalID(ctx context.Context, external string) (identity.User, error)
	InsertIdentity(ctx context.Context, i identity.Identity) error
	// KeyVouches reports whether an API key works at now and vouches for people as
	// the provider, and holds the key so that it goes on to.
	KeyVouches(ctx context.Context, key identity.ID, provider string, now time.Time) (bool, error)
	// BackendWorks reports whether an API key that works at now vouches for people as
	// the provider.
	BackendWorks(ctx context.Context, provider string, now time.Time) (bool, error)
	// RefreshIdentity keeps what the provider showed now, and when.
	RefreshIdentity(ctx context.Context, i identity.Identity) error
	HasPrimaryWallet(ctx context.Context, user identity.ID) (bool, error)
	InsertTicket(ctx context.Context, t Ticket) error
	// LockTicket returns a ticket by the hash of its token, holding its row.
	LockTicket(ctx context.Context, tokenHash []byte) (Ticket, error)
	UseTicket(ctx context.Context, t Ticket) error
	// HoldTicket gives a link ticket to its holder and session.
	HoldTicket(ctx context.Context, t Ticket) error
	// LinkTicketsOf lists the link tickets that a session holds.
	LinkTicketsOf(ctx context.Context, session identity.ID) ([]Ticket, error)
	RuleStore
	LeaveStore
	VoucherStore
	GrantStore
	PasskeyStore
	RemapStore
	UnlinkStore
	MergeStore
	HistoryStore
	RecoveryStore
	DuplicateStore
	RecordEvents(ctx context.Context, events ...identity.Event) error
}

// Parties names whom a proof may be about: the owner of its identity, the owner of
// its address, and who is signed in.
type Parties struct {
	Provider, Subject string
	Address           string       // "" for none
	User              *identity.ID // nil for no user
}

// PartyRows are the parties of a proof, all locked.
type PartyRows struct {
	// Users are read as they are locked, without the identity's owner if no other user
	// is named.
	Users    []identity.User
	Identity *identity.Identity // nil if it has no owner
	Owner    identity.User      // of Identity
	Address  AddressOwner
}

// Sessions issues and renews sessions inside the store's transaction.
type Sessions interface {
	Issue(ctx context.Context, via identity.Identity, origin identity.RequestOrigin, replaces *session.Session) (session.Session, string, error)
	IssueLeaving(ctx context.Context, via identity.Identity, origin identity.RequestOrigin, replaces *session.Session) (session.Session, string, error)
	IssueRestricted(ctx context.Context, user identity.ID, method string, origin identity.RequestOrigin, replaces *session.Session) (session.Session, string, error)
	Renew(ctx context.Context, seen session.Session, via *identity.Identity, verified bool) (session.Session, string, error)
}
