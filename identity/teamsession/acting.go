package teamsession

import (
	"context"
	"errors"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// InTeam returns a principal acting in a team, with the open team session that
// their session has there, whichever was started last. identity.ErrNotFound for a
// team they are not in, CodeTeamSessionRequired without a team session in it,
// CodePolicyUnsatisfied as in session.Service.ByID.
func (s *Service) InTeam(ctx context.Context, p session.Principal, id identity.ID, origin identity.RequestOrigin) (session.Principal, error) {
	ts, err := s.store.OpenTeamSession(ctx, p.Session.ID, id)
	if errors.Is(err, identity.ErrNotFound) || err == nil && ts.EndedInBulk {
		if _, err := s.store.TeamFor(ctx, id, p.User.ID); err != nil {
			return session.Principal{}, err
		}
		return session.Principal{}, identity.NewError(identity.CodeTeamSessionRequired, "start a team session in this team first").WithField("team_id")
	}
	if err != nil {
		return session.Principal{}, err
	}
	return s.sessions.ByID(ctx, p.Session.ID, &ts.ID, origin)
}

// ActingIn returns a principal acting in a team, whichever team session was
// started last: with Team if their session has an open team session there, with
// Refused while the team's policy refuses it, with neither if it has none or they
// are not a member. It reads only for a team other than the last.
func (s *Service) ActingIn(ctx context.Context, p session.Principal, id identity.ID, origin identity.RequestOrigin) (session.Principal, error) {
	if p.Team != nil && p.Team.TeamID == id || p.Refused != nil && p.Refused.TeamID == id {
		return p, nil
	}
	p.Team, p.Refused, p.Memo = nil, nil, nil
	e, err := s.store.TeamAccess(ctx, id, p.User.ID, p.Session.ID)
	if errors.Is(err, identity.ErrNotFound) {
		return p, nil
	}
	if err != nil {
		return session.Principal{}, err
	}
	if e.ID != (identity.ID{}) {
		p.Team = &e
	}
	return p.Admitted(origin, s.now()), nil
}

// RequireMachineIn is RequireIn for a service: of the policy it asks where
// the request came from, for the rest is about how a person signed in.
func (s *Service) RequireMachineIn(ctx context.Context, actor identity.Actor, id identity.ID) error {
	if _, err := team.TeamAs(ctx, s.store, actor, id, s.now()); err != nil {
		return err
	}
	policy, err := s.store.TeamPolicy(ctx, id)
	if err != nil {
		return err
	}
	if refusal := policy.CheckPlace(actor.Origin.Addr()); refusal != nil {
		return refusal.Err()
	}
	return nil
}

// RequireIn lets a member's session act in a team, by whatever the team's policy
// says of it now: CodePolicyUnsatisfied if it does not, identity.ErrNotFound for
// a team that the user is not in. A change by an admin or owner may also require a
// recently verified session.
func (s *Service) RequireIn(ctx context.Context, p session.Principal, origin identity.RequestOrigin, id identity.ID, changes bool) error {
	if p.Refused != nil && p.Refused.TeamID == id {
		return p.Refused.Err()
	}
	var e session.ActiveTeamSession
	if p.Team != nil && p.Team.TeamID == id {
		e = *p.Team
	} else {
		var err error
		if e, err = s.store.TeamAccess(ctx, id, p.User.ID, p.Session.ID); err != nil {
			return err
		}
	}
	now := s.now()
	if refusal := e.Refuses(p.Session, origin, now); refusal != nil {
		return refusal.Err()
	}
	if changes && e.Role.Manages() {
		if refusal := e.Policy.CheckChange(p.Session.RecentlyVerified(now)); refusal != nil {
			return refusal.Err()
		}
	}
	return nil
}
