package audit

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// Checkpoint is the last event of a chain that was archived. What is left of the
// chain follows it.
type Checkpoint struct {
	Head
	// Place is that of the last event of a seal at or before it, nil before there is one.
	Place   *Place
	Archive int64 // number of the file
}

// Archive is a file of events that were taken out of the trail: an export of the
// next events of some of the chains.
type Archive struct {
	Number    int64  // from 1
	Name      string // without the directory
	Digest    []byte // SHA-256 of the file
	Events    int64
	Bytes     int64
	Oldest    time.Time
	Newest    time.Time
	CreatedAt time.Time
}

// Archived is what was archived as a whole.
type Archived struct {
	Files  int64
	Events int64
	Newest time.Time // of the last file; zero for none
	Left   time.Time // when the oldest event happened that is still in the trail; zero for none
}

// Placed is an event with its place; nil for one that releases without seals chained.
type Placed struct {
	Record
	Place *Place
}

// ArchiveStore keeps what was archived, and drops it from the trail.
type ArchiveStore interface {
	// LeaseArchiver reports whether the replica is the one that archives, until then.
	LeaseArchiver(ctx context.Context, replica identity.ID, now, until time.Time) (bool, error)
	ReleaseArchiver(ctx context.Context, replica identity.ID) error
	// OldChains lists the chains of the oldest events from before a time that are in no
	// archive, as many events as the limit.
	OldChains(ctx context.Context, before time.Time, limit int) ([]identity.ID, error)
	// Settled lists what follows seq in a chain and nothing needs to be done with any
	// more: about as many as the limit, and none at the end.
	Settled(ctx context.Context, chain identity.ID, seq int64, limit int) ([]Placed, error)
	// Checkpoint returns the checkpoint of a chain, or identity.ErrNotFound.
	Checkpoint(ctx context.Context, chain identity.ID) (Checkpoint, error)
	// Archives lists the files behind a number, in their order.
	Archives(ctx context.Context, after int64, limit int) ([]Archive, error)
	// InsertArchive writes down a file that has the events up to these checkpoints, and
	// what follows the present ones, which are checked. ErrNotNext if they moved.
	InsertArchive(ctx context.Context, a Archive, from map[identity.ID]Checkpoint, to []Checkpoint) error
	// DropArchived deletes up to limit events, or seals, that are in an archive, and
	// reports whether more are left. Of several callers one works at a time.
	DropArchived(ctx context.Context, limit int) (more bool, err error)
	// Archived sums up the files.
	Archived(ctx context.Context) (Archived, error)
}
