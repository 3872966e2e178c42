package feed

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/latchkey/latchkey/identity"
)

const (
	// MaxWait is how long a reader may wait for an event.
	MaxWait = 30 * time.Second
	// MaxLimit is how many events one read returns at most.
	MaxLimit = 1000

	publishBatch = 1000
	maxWaiting   = 256 // readers on one replica
)

// Topic is the id with which storage announces that there are new events.
var Topic = uuid.NewSHA1(identity.ID{}, []byte("latchkey feed"))

// Bounds are the first and the last seq that are kept; of an empty feed, First is
// behind Last.
type Bounds struct{ First, Last int64 }

// Store keeps the feed.
type Store interface {
	// PublishEvents gives the next audit events that nothing can precede any more their
	// seq, and leaves deliveries of them to the webhooks that want them. It returns how many
	// audit events it looked at.
	PublishEvents(ctx context.Context, limit int, now time.Time) (int, error)
	// FeedBounds returns what is kept.
	FeedBounds(ctx context.Context) (Bounds, error)
	// FeedEvents returns events behind after, up to upTo, of these types, nil for all, in
	// their order.
	FeedEvents(ctx context.Context, after, upTo int64, types []Type, limit int) ([]Event, error)
	// FeedBacklog returns when the oldest audit event happened that the feed was not made
	// of yet; zero for none.
	FeedBacklog(ctx context.Context) (time.Time, error)
}

// Service makes and reads the feed.
type Service struct {
	store Store
	now   identity.Clock

	mu      sync.Mutex
	woken   chan struct{} // closed when there are new events
	waiting int
}

// NewService returns the service over a store.
func NewService(store Store, now identity.Clock) *Service {
	return &Service{store: store, now: now, woken: make(chan struct{})}
}

// Publish makes the feed of all that has committed. Several replicas may call it at
// once.
func (s *Service) Publish(ctx context.Context) error {
	for {
		n, err := s.store.PublishEvents(ctx, publishBatch, s.now())
		if err != nil || n < publishBatch {
			return err
		}
	}
}

// Behind returns for how long the oldest audit event waits for the feed.
func (s *Service) Behind(ctx context.Context, now time.Time) (time.Duration, error) {
	oldest, err := s.store.FeedBacklog(ctx)
	if err != nil || oldest.IsZero() {
		return 0, err
	}
	return max(0, now.Sub(oldest)), nil
}

// Wake lets those who wait look again.
func (s *Service) Wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.woken)
	s.woken = make(chan struct{})
}

// Query is what a reader asks for.
type Query struct {
	After int64  // the seq of the latest event that they have; 0 for the oldest kept
	Types []Type // nil for all
	Limit int
	Wait  time.Duration // for an event, if there is none
}

// Read returns events and the seq to go on from, which passes over events of other
// types. It ends waiting with ctx, and when stopping is closed. CodeEventsExpired if
// events behind After were deleted already.
func (s *Service) Read(ctx context.Context, q Query, stopping <-chan struct{}) (events []Event, next int64, err error) {
	for _, t := range q.Types {
		if !slices.Contains(Types, t) {
			return nil, 0, identity.NewError(identity.CodeInvalidRequest, "there are no events of the type %q", t).WithField("types")
		}
	}
	if q.Wait > 0 {
		if err := s.enter(); err != nil {
			return nil, 0, err
		}
		defer s.leave()
	}
	deadline := time.NewTimer(q.Wait)
	defer deadline.Stop()
	for {
		// Before the look that counts, so that nothing falls between.
		s.mu.Lock()
		woken := s.woken
		s.mu.Unlock()
		if events, next, err = s.look(ctx, q); err != nil || len(events) > 0 || q.Wait <= 0 {
			return events, next, err
		}
		select {
		case <-woken:
		case <-deadline.C:
			return events, next, nil
		case <-stopping:
			return events, next, nil
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
}

func (s *Service) look(ctx context.Context, q Query) ([]Event, int64, error) {
	has, err := s.store.FeedBounds(ctx)
	if err != nil {
		return nil, 0, err
	}
	switch {
	case q.After > has.Last:
		return nil, 0, identity.NewError(identity.CodeInvalidRequest, "the latest event has the seq %d", has.Last).WithField("after")
	case q.After > 0 && q.After+1 < has.First:
		return nil, 0, identity.NewError(identity.CodeEventsExpired,
			"events up to %d have been deleted: they are kept for 90 days. Compare your users with GET /v1/users, and go on from after=0", has.First-1)
	case q.After >= has.Last:
		return []Event{}, has.Last, nil
	}
	events, err := s.store.FeedEvents(ctx, q.After, has.Last, q.Types, q.Limit)
	if err != nil {
		return nil, 0, err
	}
	if len(events) == q.Limit {
		return events, events[len(events)-1].Seq, nil
	}
	return events, has.Last, nil
}

func (s *Service) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting >= maxWaiting {
		e := identity.NewError(identity.CodeUnavailable, "too many readers wait for events; try again")
		e.RetryAfter = time.Second
		return e
	}
	s.waiting++
	return nil
}

func (s *Service) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting--
}
