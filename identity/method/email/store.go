package email

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// Store keeps challenges. Changes run in the transaction that InTx opened.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error

	// LockAddress makes transactions about one address wait for each other,
	// until the transaction ends. There need not be a row of the address.
	LockAddress(ctx context.Context, address string) error
	// Mails returns the mails to a mailbox that left after since or are yet to.
	Mails(ctx context.Context, mailboxes [][]byte, since time.Time) ([]Mail, error)
	InsertMail(ctx context.Context, m Mail) error
	// HasEmail reports whether a user has an address.
	HasEmail(ctx context.Context, user identity.ID, address string) (bool, error)
	// CountWrongCodes counts the wrong codes for challenges of an address made
	// after since, by known browsers or by all others.
	CountWrongCodes(ctx context.Context, address string, known bool, since time.Time) (int, error)
	// OpenChallenges returns the challenges of a browser for an address that can
	// still be redeemed at now: not expired, not replaced, not burned. Oldest first.
	OpenChallenges(ctx context.Context, address string, browserHash []byte, now time.Time) ([]Challenge, error)
	// ChallengeByToken finds a challenge in whatever state;
	// identity.ErrNotFound if there is none.
	ChallengeByToken(ctx context.Context, tokenHash []byte) (Challenge, error)
	// ChallengeBySharedToken finds the newest challenge of a browser that waited for
	// the mail with a shared link, likewise.
	ChallengeBySharedToken(ctx context.Context, tokenHash, browserHash []byte) (Challenge, error)
	// NewestChallenge is the last one a browser asked for.
	NewestChallenge(ctx context.Context, browserHash []byte) (Challenge, error)

	// ReplaceChallenges closes those of the same browser, purpose and address.
	ReplaceChallenges(ctx context.Context, by Challenge, at time.Time) error
	InsertChallenge(ctx context.Context, c Challenge) error
	// AddWrongCode counts a wrong code for a challenge.
	AddWrongCode(ctx context.Context, id identity.ID) error
	EnqueueTasks(ctx context.Context, tasks ...identity.Task) error
}
