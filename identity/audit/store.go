package audit

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// Filter narrows the trail. Zero fields do not filter.
type Filter struct {
	TeamID    *identity.ID
	UserID    *identity.ID // whom it happened to
	ActorID   *identity.ID // who did it
	SessionID *identity.ID
	Action    identity.Action
	IP        string
	From      *time.Time // not before
	To        *time.Time // before
}

// Position is a place in the order of all chained events: by chain, then by seq.
// The zero Position is before the first.
type Position struct {
	Chain identity.ID
	Seq   int64
}

// Head is the last link of a chain.
type Head struct {
	Chain identity.ID
	Seq   int64
	Hash  []byte
}

// Party is the user or key that an id in the trail belongs to now; for a merged
// user, the survivor.
type Party struct {
	User    *identity.Summary // nil for an API key
	KeyName string
}

// Store keeps the trail. What does not exist is identity.ErrNotFound.
type Store interface {
	// Events lists events, newest first, one more than the page's limit.
	Events(ctx context.Context, f Filter, p identity.Page) ([]Record, error)
	// Parties returns who these ids are. What is unknown is left out.
	Parties(ctx context.Context, ids []identity.ID) (map[identity.ID]Party, error)
	// Chained lists chained events behind a position, in their order. With a
	// team, a position in another chain is before its first.
	Chained(ctx context.Context, f Filter, after Position, limit int) ([]Record, error)
	// ChainedIn lists the events of one chain behind seq, in their order.
	ChainedIn(ctx context.Context, chain identity.ID, seq int64, limit int) ([]Record, error)
	// SealEvents chains up to limit events that are not yet, in one transaction,
	// and returns how many. Of several callers at once one works at a time.
	SealEvents(ctx context.Context, limit int) (int, error)
	// CountUnsealed counts the events that are not chained yet.
	CountUnsealed(ctx context.Context) (int, error)
	Head(ctx context.Context, chain identity.ID) (Head, error)
	// Heads lists heads behind a chain, ordered by chain; all of them for nil.
	Heads(ctx context.Context, after *identity.ID, limit int) ([]Head, error)
	// Headless lists chains that must have a head and have none: there are
	// chained events in it, or a team of which not one event is known.
	Headless(ctx context.Context, limit int) ([]identity.ID, error)
}
