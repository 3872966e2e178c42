package session

import (
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

// Refuses decides whether the session acts in the team now, from where the
// request came; nil if so.
func (e ActiveTeamSession) Refuses(s Session, origin identity.RequestOrigin, now time.Time) *team.Refusal {
	if e.BreakGlassUntil != nil && now.Before(*e.BreakGlassUntil) && e.Role == team.RoleOwner {
		return nil
	}
	return e.Policy.Check(s.facts(), origin.Addr(), now)
}

// Admitted is the principal without a team session that may not act now. It
// leaves what the store, or a cache, has given as it is.
func (p Principal) Admitted(origin identity.RequestOrigin, now time.Time) Principal {
	p.Refused = nil
	if p.Team == nil {
		return p
	}
	if refusal := p.Team.Refuses(p.Session, origin, now); refusal != nil {
		p.Refused, p.Team, p.Memo = &Refused{TeamID: p.Team.TeamID, Refusal: *refusal}, nil, nil
	} else if p.Team.EndedByPolicy {
		p.Team, p.Memo = nil, nil
	}
	return p
}
