package session

import (
	"context"
	"net/netip"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

// facts are what a team's policy looks at.
func (s Session) facts() team.Facts {
	signedIn := s.CreatedAt
	if s.SignedInAt != nil {
		signedIn = *s.SignedInAt
	}
	return team.Facts{Methods: s.Methods, SignedInAt: signedIn, LastSeenAt: s.LastSeenAt, LongestPause: s.LongestPause}
}

// address is where a request came from, or one that is in no network.
func address(origin identity.RequestOrigin) netip.Addr {
	a, err := netip.ParseAddr(origin.IP)
	if err != nil {
		return netip.Addr{}
	}
	return a
}

// refuses decides whether the session acts in the team now, from where the
// request came; nil if so.
func (e ActiveTeamSession) refuses(s Session, origin identity.RequestOrigin, now time.Time) *team.Refusal {
	if e.BreakGlassUntil != nil && now.Before(*e.BreakGlassUntil) && e.Role == team.RoleOwner {
		return nil
	}
	return e.Policy.Check(s.facts(), address(origin), now)
}

// admitted is the principal without a team session that may not act now. It
// leaves what the store, or a cache, has given as it is.
func (p Principal) admitted(origin identity.RequestOrigin, now time.Time) Principal {
	p.Refused = nil
	if p.Team == nil {
		return p
	}
	if refusal := p.Team.refuses(p.Session, origin, now); refusal != nil {
		p.Refused, p.Team, p.Memo = &Refused{TeamID: p.Team.TeamID, Refusal: *refusal}, nil, nil
	} else if p.Team.EndedByPolicy {
		p.Team, p.Memo = nil, nil
	}
	return p
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
	if refusal := policy.CheckPlace(address(actor.Origin)); refusal != nil {
		return refusal.Err()
	}
	return nil
}

// RequireIn lets a member's session act in a team, by whatever the team's policy
// says of it now: CodePolicyUnsatisfied if it does not, identity.ErrNotFound for
// a team that the user is not in. A change by an admin or owner may also require a
// recently verified session.
func (s *Service) RequireIn(ctx context.Context, p Principal, origin identity.RequestOrigin, id identity.ID, changes bool) error {
	if p.Refused != nil && p.Refused.TeamID == id {
		return p.Refused.Err()
	}
	var e ActiveTeamSession
	if p.Team != nil && p.Team.TeamID == id {
		e = *p.Team
	} else {
		var err error
		if e, err = s.store.TeamAccess(ctx, id, p.User.ID, p.Session.ID); err != nil {
			return err
		}
	}
	now := s.now()
	if refusal := e.refuses(p.Session, origin, now); refusal != nil {
		return refusal.Err()
	}
	if changes && e.Role.Manages() {
		if refusal := e.Policy.CheckChange(p.Session.RecentlyVerified(now)); refusal != nil {
			return refusal.Err()
		}
	}
	return nil
}
