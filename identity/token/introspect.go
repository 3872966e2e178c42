package token

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/session"
)

// Introspection is what a token is worth now (RFC 7662). Of a token that is
// worth nothing it tells nothing else.
type Introspection struct {
	Active    bool
	Kind      Kind
	Principal session.Principal // Team: where the token acts, if the team's policy admits it now
	Client    *Client           // nil for a session token
	Machine   *apikey.Key       // a team's API key: there is no principal
	Scope     string            // of an application
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
// team are read. origin is where the token is used, as far as the caller knows;
// without an address, policies with allowed networks refuse it. Introspection
// counts as a use for session tokens only.
func (s *Service) Introspect(ctx context.Context, raw string, origin identity.RequestOrigin) (Introspection, error) {
	out, err := s.introspect(ctx, raw, origin)
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

func (s *Service) introspect(ctx context.Context, raw string, origin identity.RequestOrigin) (Introspection, error) {
	switch {
	case strings.HasPrefix(raw, refreshPrefix):
		return s.introspectRefresh(ctx, raw, origin)
	case strings.Contains(raw, "."):
		return s.introspectAccess(ctx, raw, origin)
	}
	p, err := s.sessions.Authenticate(ctx, raw, origin)
	return Introspection{Kind: KindSession, Principal: p, IssuedAt: p.Session.CreatedAt, ExpiresAt: p.Session.IdleExpiresAt}, err
}

func (s *Service) introspectAccess(ctx context.Context, raw string, origin identity.RequestOrigin) (Introspection, error) {
	claims, err := s.verify(ctx, raw)
	if err != nil {
		return Introspection{}, err
	}
	out := Introspection{Kind: KindAccess, ID: claims.ID, Scope: claims.Scope, IssuedAt: claims.IssuedAt.Time, ExpiresAt: claims.ExpiresAt.Time}
	if claims.SessionID == nil {
		return s.introspectMachine(ctx, claims, out)
	}
	p, c, err := s.principal(ctx, claims, origin)
	out.Principal, out.Client = p, &c
	return out, err
}

// principal returns who an access token is of now, and its client.
func (s *Service) principal(ctx context.Context, claims Claims, origin identity.RequestOrigin) (session.Principal, Client, error) {
	p, err := s.sessions.ByID(ctx, *claims.SessionID, claims.TeamSessionID, origin)
	if err != nil {
		return session.Principal{}, Client{}, err
	}
	if p.User.ID.String() != claims.Subject {
		return session.Principal{}, Client{}, errNotOurs
	}
	c, err := s.clientOf(claims, p.Session)
	return p, c, err
}

// introspectMachine asks for the key: it may have ended, or have another role.
func (s *Service) introspectMachine(ctx context.Context, claims Claims, out Introspection) (Introspection, error) {
	id, err := uuid.Parse(claims.Subject)
	if err != nil || s.machines == nil {
		return Introspection{}, errNotOurs
	}
	k, err := s.machines.APIKey(ctx, id)
	if errors.Is(err, identity.ErrNotFound) || err == nil && (!k.Works(s.now()) || k.TeamID == nil || k.Role == nil) {
		return Introspection{}, errNotOurs
	}
	out.Machine, out.Client = &k, &Client{ID: claims.ClientID, Audience: claims.Audience[0]}
	return out, err
}

// Application returns who an access token of an application is of now, and what it
// says: CodeUnauthenticated where it does not work, whatever the reason.
func (s *Service) Application(ctx context.Context, raw string, from identity.RequestOrigin) (session.Principal, Claims, error) {
	claims, err := s.verify(ctx, raw)
	if err == nil && claims.SessionID == nil {
		err = errNotOurs
	}
	var p session.Principal
	if err == nil {
		p, _, err = s.principal(ctx, claims, from)
	}
	if err == nil && p.Session.Kind != session.KindApplication {
		err = errNotOurs
	}
	if errors.Is(err, errNotOurs) || identity.ErrorCode(err) == identity.CodeUnauthenticated {
		err = identity.NewError(identity.CodeUnauthenticated, "the access token is not valid, or no longer valid").Wrap(err)
	}
	return p, claims, err
}

// ApplicationSession returns the session that an access token or a refresh token is
// of, whether it works or not, and the client. ok reports whether it is one of ours.
func (s *Service) ApplicationSession(ctx context.Context, raw string) (id identity.ID, clientID string, ok bool, err error) {
	if !strings.HasPrefix(raw, refreshPrefix) {
		claims, err := s.verify(ctx, raw)
		if errors.Is(err, errNotOurs) || err == nil && claims.SessionID == nil {
			return id, "", false, nil
		}
		if err != nil {
			return id, "", false, err
		}
		return *claims.SessionID, claims.ClientID, true, nil
	}
	family, n, ok := parseRefresh(raw)
	if !ok {
		return id, "", false, nil
	}
	f, err := s.store.RefreshFamily(ctx, family)
	if errors.Is(err, identity.ErrNotFound) || err == nil && s.madeUnder(f, n, raw) == nil {
		return id, "", false, nil
	}
	return f.SessionID, f.ClientID, err == nil, err
}

func (s *Service) introspectRefresh(ctx context.Context, raw string, origin identity.RequestOrigin) (Introspection, error) {
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
	p, err := s.sessions.ByID(ctx, f.SessionID, f.TeamSessionID, origin)
	if err != nil {
		return Introspection{}, err
	}
	c, err := s.clients.pick(f.ClientID)
	if p.Session.Kind == session.KindApplication {
		c, err = Client{ID: f.ClientID, Audience: s.issuer, Offline: true}, nil
	}
	if err != nil || p.User.ID != f.UserID || !c.Offline || f.Role != nil && f.Role.Above(p.Team.Role) {
		return Introspection{}, errInvalidGrant()
	}
	return Introspection{Kind: KindRefresh, Principal: p, Client: &c, IssuedAt: f.RotatedAt, ExpiresAt: p.Session.IdleExpiresAt}, nil
}
