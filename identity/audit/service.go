package audit

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// Service reads the trail. Its callers decide who may.
type Service struct{ store Store }

// NewService returns the service over a store.
func NewService(store Store) *Service { return &Service{store: store} }

// List returns events, newest first.
func (s *Service) List(ctx context.Context, f Filter, p identity.Page) ([]Record, *identity.ID, error) {
	rows, err := s.store.Events(ctx, f, p)
	rows, next := identity.Next(rows, p, func(r Record) identity.ID { return r.ID })
	return rows, next, err
}

// Parties returns the actors and users of the trail by their ids.
func (s *Service) Parties(ctx context.Context, ids []identity.ID) (map[identity.ID]Party, error) {
	return s.store.Parties(ctx, ids)
}

// Seal chains all events that are not yet. It may be called by several replicas
// at once. On PostgreSQL it leaves out events that a transaction still in progress
// may yet precede.
func (s *Service) Seal(ctx context.Context) (sealed int, err error) {
	for {
		n, err := s.store.SealEvents(ctx, sealBatch)
		if sealed += n; err != nil || n < sealBatch {
			return sealed, err
		}
	}
}

const sealBatch = 1000

// sealPatience bounds how long an export waits for a transaction that keeps events
// from being sealed.
const (
	sealPatience = 10 * time.Second
	sealAgain    = 20 * time.Millisecond
)

// errHeld is a transaction that does not end.
type errHeld struct{}

func (errHeld) Error() string {
	return "audit events wait to be chained for a transaction that goes on; see latchkey doctor"
}

// Unavailable makes it an answer to try again later.
func (errHeld) Unavailable() bool { return true }

// SealAll chains every event that is committed when it is called.
func (s *Service) SealAll(ctx context.Context) error {
	newest, err := s.store.Newest(ctx)
	if err != nil || newest == nil {
		return err
	}
	deadline := time.Now().Add(sealPatience)
	for {
		if _, err := s.Seal(ctx); err != nil {
			return err
		}
		if done, err := s.store.Sealed(ctx, *newest); err != nil || done {
			return err
		}
		if time.Now().After(deadline) {
			return errHeld{}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(sealAgain):
		}
	}
}

// Behind returns for how long the oldest event waits that is not chained yet.
func (s *Service) Behind(ctx context.Context, now time.Time) (time.Duration, error) {
	b, err := s.store.Backlog(ctx)
	if err != nil || b.Events == 0 {
		return 0, err
	}
	return max(0, now.Sub(b.Oldest)), nil
}

// Export gives every event that is committed when it is called to write, page
// by page in the order of chains and seq, so that it can be verified line by
// line. It holds one page at a time, and nothing of the database between two.
// It ends at the first error of write.
func (s *Service) Export(ctx context.Context, f Filter, write func([]Record) error) error {
	if err := s.SealAll(ctx); err != nil {
		return err
	}
	var at Position
	if f.TeamID != nil {
		at.Chain = *f.TeamID
	}
	for {
		rows, err := s.store.Chained(ctx, f, at, pageSize)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := write(rows); err != nil {
			return err
		}
		last := rows[len(rows)-1]
		at = Position{Chain: Chain(last.Event), Seq: *last.Seq}
	}
}
