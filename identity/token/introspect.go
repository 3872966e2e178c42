package token

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
)

// Introspection is what a token is worth now (RFC 7662). Of a token that is
// worth nothing it tells nothing else.
type Introspection struct {
	Active    bool
	Kind      Kind
	Principal session.Principal // Team: where the token acts, if the team's policy admits it now
	Client    *Client           // nil for a session token
	ID        string            // of an access token
	IssuedAt  time.Time
	ExpiresAt time.Time // unless the session ends or is used before
}

// Kind is the kind of a token.
type Kind string

// The kinds of tokens.
const (
	KindAccess  Kind = "access_token"
	KindRefresh Kind = "refresh_token"
	KindSession Kind = "session"
)

// Introspect returns what an access token, a refresh token or a session token is
// worth now, whatever it says itself: the session behind it and the place in the
// team are read. client is where the token is used, as far as the caller knows;
// without an address, policies with allowed networks refuse it. Introspection
// counts as a use for session tokens only.
func (s *Service) Introspect(ctx context.Context, raw string, client identity.RequestOrigin) (Introspection, error) {
	out, err := s.introspect(ctx, raw, client)
	switch code := identity.ErrorCode(err); {
	case code == identity.CodeUnauthenticated, code == identity.CodePolicyUnsatisfied, code == identity.CodeInvalidGrant, errors.Is(err, errNotOurs):
		return Introspection{}, nil
	case err != nil:
		return Introspection{}, err
	case out.Principal.Session.Restricted: // it can only add a sign-in method
		return Introspection{}, nil
	}
	out.Active = true
	return out, nil
}

func (s *Service) introspect(ctx context.Context, raw string, client identity.RequestOrigin) (Introspection, error) {
	switch {
	case strings.HasPrefix(raw, refreshPrefix):
		return s.introspectRefresh(ctx, raw, client)
	case strings.Contains(raw, "."):
		return s.introspectAccess(ctx, raw, client)
	}
	p, err := s.sessions.Authenticate(ctx, raw, client)
	return Introspection{Kind: KindSession, Principal: p, IssuedAt: p.Session.CreatedAt, ExpiresAt: p.Session.IdleExpiresAt}, err
}

func (s *Service) introspectAccess(ctx context.Context, raw string, client identity.RequestOrigin) (Introspection, error) {
	claims, err := s.verify(ctx, raw)
	if err != nil {
		return Introspection{}, err
	}
	p, err := s.sessions.ByID(ctx, claims.SessionID, claims.TeamSessionID, client)
	if err != nil {
		return Introspection{}, err
	}
	if p.User.ID.String() != claims.Subject {
		return Introspection{}, errNotOurs
	}
	c, err := s.clients.pick(claims.ClientID)
	return Introspection{
		Kind: KindAccess, Principal: p, Client: &c, ID: claims.ID, IssuedAt: claims.IssuedAt.Time, ExpiresAt: claims.ExpiresAt.Time,
	}, err
}

func (s *Service) introspectRefresh(ctx context.Context, raw string, client identity.RequestOrigin) (Introspection, error) {
	id, n, ok := parseRefresh(raw)
	if !ok {
		return Introspection{}, errInvalidGrant()
	}
	f, err := s.store.RefreshFamily(ctx, id)
	if errors.Is(err, identity.ErrNotFound) {
		return Introspection{}, errInvalidGrant()
	}
	if err != nil {
		return Introspection{}, err
	}
	if s.madeUnder(f, n, raw) == nil || n != f.Generation || f.EndedAt != nil {
		return Introspection{}, errInvalidGrant()
	}
	p, err := s.sessions.ByID(ctx, f.SessionID, f.TeamSessionID, client)
	if err != nil {
		return Introspection{}, err
	}
	c, err := s.clients.pick(f.ClientID)
	if err != nil || p.User.ID != f.UserID || !c.Offline || f.Role != nil && f.Role.Above(p.Team.Role) {
		return Introspection{}, errInvalidGrant()
	}
	return Introspection{Kind: KindRefresh, Principal: p, Client: &c, IssuedAt: f.RotatedAt, ExpiresAt: p.Session.IdleExpiresAt}, nil
}
