package session

import (
	"context"
	"errors"

	"github.com/latchkey/latchkey/identity"
)

// PrincipalStore reads who is behind a session without its token.
type PrincipalStore interface {
	// PrincipalBySession is one statement: Store.PrincipalByToken by the session's
	// id. It acts in the team session of the id, if that is an open one of the
	// session; in none for nil.
	PrincipalBySession(ctx context.Context, session identity.ID, teamSession *identity.ID) (Principal, error)
}

// ByID is Authenticate for who holds something that stands for a session, such
// as a refresh token: it returns who the session is of, acting in the named team
// session or in none. CodeUnauthenticated if either does not work now,
// CodePolicyUnsatisfied where the team does not admit it from where the client
// is. It notes no use; see Use.
func (s *Service) ByID(ctx context.Context, id identity.ID, teamSession *identity.ID, client identity.Client) (Principal, error) {
	p, err := s.store.PrincipalBySession(ctx, id, teamSession)
	if errors.Is(err, identity.ErrNotFound) {
		return Principal{}, ErrUnauthenticated()
	}
	if err != nil {
		return Principal{}, err
	}
	now := s.now()
	if p.Session.Status(now) != StatusActive || !p.User.Active() || (p.Team == nil) != (teamSession == nil) {
		return Principal{}, ErrUnauthenticated()
	}
	if p = p.admitted(client, now); p.Refused != nil {
		return p, p.Refused.Err()
	}
	return p, nil
}

// InTeam returns a principal as he acts in a team, by the open team session that
// his session has there, whichever it entered last. identity.ErrNotFound for a
// team he is not in, CodeTeamSessionRequired where he has not entered,
// CodePolicyUnsatisfied as in ByID.
func (s *Service) InTeam(ctx context.Context, p Principal, team identity.ID, client identity.Client) (Principal, error) {
	ts, err := s.store.OpenTeamSession(ctx, p.Session.ID, team)
	if errors.Is(err, identity.ErrNotFound) {
		if _, err := s.store.TeamFor(ctx, team, p.User.ID); err != nil {
			return Principal{}, err
		}
		return Principal{}, identity.NewError(identity.CodeTeamSessionRequired, "start a team session in this team first").WithField("team_id")
	}
	if err != nil {
		return Principal{}, err
	}
	return s.ByID(ctx, p.Session.ID, &ts.ID, client)
}

// ActingIn returns a principal as they act in a team, whichever their session
// entered last: with Team, by the open team session that it has there; with Refused
// while the team's policy does not admit it; with neither where it has none, be it
// that they are no member. It reads only for a team other than the last.
func (s *Service) ActingIn(ctx context.Context, p Principal, team identity.ID, client identity.Client) (Principal, error) {
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
	return p.admitted(client, s.now()), nil
}

// Use notes that a session of ByID is used, as Authenticate does.
func (s *Service) Use(ctx context.Context, p Principal) error {
	_, err := s.use(ctx, &p, identity.Client{}, s.now())
	return err
}
