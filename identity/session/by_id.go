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
	p = p.admitted(origin, now)
	if p.Refused != nil {
		return p, p.Refused.Err()
	}
	return p, nil
}

// InTeam returns a principal acting in a team, with the open team session that
// their session has there, whichever was started last. identity.ErrNotFound for a
// team they are not in, CodeTeamSessionRequired without a team session in it,
// CodePolicyUnsatisfied as in ByID.
func (s *Service) InTeam(ctx context.Context, p Principal, team identity.ID, origin identity.RequestOrigin) (Principal, error) {
	ts, err := s.store.OpenTeamSession(ctx, p.Session.ID, team)
	if errors.Is(err, identity.ErrNotFound) || err == nil && ts.EndedInBulk {
		if _, err := s.store.TeamFor(ctx, team, p.User.ID); err != nil {
			return Principal{}, err
		}
		return Principal{}, identity.NewError(identity.CodeTeamSessionRequired, "start a team session in this team first").WithField("team_id")
	}
	if err != nil {
		return Principal{}, err
	}
	return s.ByID(ctx, p.Session.ID, &ts.ID, origin)
}

// ActingIn returns a principal acting in a team, whichever team session was
// started last: with Team if their session has an open team session there, with
// Refused while the team's policy refuses it, with neither if it has none or they
// are not a member. It reads only for a team other than the last.
func (s *Service) ActingIn(ctx context.Context, p Principal, team identity.ID, origin identity.RequestOrigin) (Principal, error) {
	if p.Team != nil && p.Team.TeamID == team || p.Refused != nil && p.Refused.TeamID == team {
		return p, nil
	}
	p.Team, p.Refused, p.Memo = nil, nil, nil
	e, err := s.store.TeamAccess(ctx, team, p.User.ID, p.Session.ID)
	if errors.Is(err, identity.ErrNotFound) {
		return p, nil
	}
	if err != nil {
		return Principal{}, err
	}
	if e.ID != (identity.ID{}) {
		p.Team = &e
	}
	return p.admitted(origin, s.now()), nil
}

// Use records that a session of ByID is used, as Authenticate does.
func (s *Service) Use(ctx context.Context, p Principal) error {
	_, err := s.use(ctx, &p, identity.RequestOrigin{}, s.now())
	return err
}
