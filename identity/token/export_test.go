package token

import "context"

// Verify is verify, which only introspection asks.
func (s *Service) Verify(ctx context.Context, raw string) (Claims, error) { return s.verify(ctx, raw) }

// ErrNotOurs is errNotOurs.
var ErrNotOurs = errNotOurs

// The times by which keys follow each other.
const (
	PublishFor  = publishFor
	RetireAfter = retireAfter
	KeepStale   = keepStale
)
