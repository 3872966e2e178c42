package session

import (
	"context"
	"errors"

	"github.com/latchkey/latchkey/identity"
)

// PrincipalStore reads the principal of a session without its token.
type PrincipalStore interface {
	// PrincipalBySession is one statement: Store.PrincipalByToken by the session's
	// id. It acts in the team session of the id, if that is an open one of the
	// session; in none for nil.
	PrincipalBySession(ctx context.Context, session identity.ID, teamSession *identity.ID) (Principal, error)
}

// ByID is Authenticate by a session's id, for something that is derived from a
// session, such as a refresh token. It returns the principal, acting in the named
// team session or in none. CodeUnauthenticated if either does not work now,
// CodePolicyUnsatisfied if the team's policy refuses it from where the request came.
// An application that does not say where the person is, counts as where they were
// last. It does not record a use; see Use.
func (s *Service) ByID(ctx context.Context, id identity.ID, teamSession *identity.ID, origin identity.RequestOrigin) (Principal, error) {
	p, err := s.store.PrincipalBySession(ctx, id, teamSession)
	if err != nil && !errors.Is(err, identity.ErrNotFound) {
		return Principal{}, err
	}
	if err != nil {
		return s.Admit(nil, teamSession, origin)
	}
	return s.Admit(&p, teamSession, origin)
}

// Admit is ByID of what the store has returned; nil for nothing.
func (s *Service) Admit(read *Principal, teamSession *identity.ID, origin identity.RequestOrigin) (Principal, error) {
	now := s.now()
	if read == nil {
		return Principal{}, ErrUnauthenticated()
	}
	p := *read
	s.uses.on(&p.Session)
	if p.Session.Status(now) != StatusActive || !p.User.Active() || (p.Team == nil) != (teamSession == nil) {
		return Principal{}, ErrUnauthenticated()
	}
	if origin.IP == "" && p.Session.Kind == KindApplication {
		origin.IP = p.Session.IP
	}
	p = p.Admitted(origin, now)
	if p.Refused != nil {
		return p, p.Refused.Err()
	}
	return p, nil
}

// Use records that a session of ByID is used, as Authenticate does.
func (s *Service) Use(ctx context.Context, p Principal) error {
	_, err := s.use(ctx, &p, identity.RequestOrigin{}, s.now())
	return err
}
