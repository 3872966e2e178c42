package emailproof

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
	// CountChallenges counts the challenges of an address made after since.
	CountChallenges(ctx context.Context, address string, since time.Time) (int, error)
	// CountWrongCodes counts the wrong codes that challenges of an address made
	// after since were sent.
	CountWrongCodes(ctx context.Context, address string, since time.Time) (int, error)
	// OpenChallenges returns the challenges of an address that can still be
	// redeemed at now: not expired, not replaced, not burned. Oldest first.
	OpenChallenges(ctx context.Context, address string, now time.Time) ([]Challenge, error)
	// ChallengeByToken finds a challenge in whatever state;
	// identity.ErrNotFound if there is none.
	ChallengeByToken(ctx context.Context, tokenHash []byte) (Challenge, error)
	// NewestChallenge is the last one a browser asked for.
	NewestChallenge(ctx context.Context, browserHash []byte) (Challenge, error)

	// ReplaceChallenges closes those of the same browser, purpose and address.
	ReplaceChallenges(ctx context.Context, by Challenge, at time.Time) error
	InsertChallenge(ctx context.Context, c Challenge) error
	// AddWrongCode counts a wrong code for each of the challenges.
	AddWrongCode(ctx context.Context, ids ...identity.ID) error
	EnqueueTasks(ctx context.Context, tasks ...identity.Task) error
}
