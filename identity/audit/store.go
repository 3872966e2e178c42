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

// Link is an event as it was found in its chain.
type Link struct {
	Record // without Seq, it is among those of a batch whose seal does not name it
	// Unreadable is why Data could not be read, if so.
	Unreadable error
}

// Place is where an event is in the order in which events are sealed. All that are
// committed when a place is read are at it or before it, and nothing is sealed
// before what precedes it.
type Place struct {
	Epoch    int64 // counts the starts of the server
	Position int64 // the number of the transaction; on SQLite, of the event
	EventID  identity.ID
}

// Backlog is what is not sealed yet.
type Backlog struct {
	Events int
	Oldest time.Time // when the first of them happened; zero for none
	// HeldBy describes the transaction that seals wait for, "" for none: it was
	// begun before the others, writes, and may still record an event.
	HeldBy string
	// Rewriting are the chains of which events have personal values in plain that are
	// being put behind keys, and NotWhole those that cannot be, because they are broken.
	Rewriting, NotWhole int
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
	// Chained lists chained events behind a position, in their order: about as many
	// as the limit, and none only at the end. With a team, a position in another
	// chain is before its first.
	Chained(ctx context.Context, f Filter, after Position, limit int) ([]Record, error)
	// Links lists what of one chain is behind seq, in its order: about as many as
	// the limit, and none with a Seq only at the end.
	Links(ctx context.Context, chain identity.ID, seq int64, limit int) ([]Link, error)
	// SealEvents seals up to limit events that are not yet, in one transaction,
	// and returns how many. Of several callers at once one works at a time.
	SealEvents(ctx context.Context, limit int) (int, error)
	// Newest returns the place of the newest event that is not sealed, nil for none.
	Newest(ctx context.Context) (*Place, error)
	// Sealed reports whether everything up to a place is.
	Sealed(ctx context.Context, p Place) (bool, error)
	// Backlog reports what is not sealed yet.
	Backlog(ctx context.Context) (Backlog, error)
	Head(ctx context.Context, chain identity.ID) (Head, error)
	// Rewrite returns how far a chain has new hashes, or identity.ErrNotFound.
	Rewrite(ctx context.Context, chain identity.ID) (Rewrite, error)
	// FormerHashes lists hashes that a chain had before rewrites, ordered by event and seq.
	FormerHashes(ctx context.Context, chain identity.ID, after Former, limit int) ([]Former, error)
	// Checkpoint returns what of a chain was archived, or identity.ErrNotFound.
	Checkpoint(ctx context.Context, chain identity.ID) (Checkpoint, error)
	// Heads lists heads behind a chain, ordered by chain; all of them for nil.
	Heads(ctx context.Context, after *identity.ID, limit int) ([]Head, error)
	// Headless lists chains that must have a head and have none: there are
	// chained events in it, or a team of which not one event is known.
	Headless(ctx context.Context, limit int) ([]identity.ID, error)
}
