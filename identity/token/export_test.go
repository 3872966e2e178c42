package token

import (
	"context"

	"github.com/latchkey/latchkey/identity/session"
)

// Verify is what introspection asks of a token that names a browser's session.
func (s *Service) Verify(ctx context.Context, raw string) (Claims, error) {
	claims, err := s.verify(ctx, raw)
	if err == nil {
		_, err = s.clientOf(claims, session.Session{Kind: session.KindBrowser})
	}
	return claims, err
}

// ErrNotOurs is errNotOurs.
var ErrNotOurs = errNotOurs

// The times by which keys follow each other.
const (
	PublishFor  = publishFor
	RetireAfter = retireAfter
	KeepStale   = keepStale
)
