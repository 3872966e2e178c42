// Package teamsession lets sessions act in teams: it starts, lists and ends team
// sessions, by the policies of teams.
package teamsession

import (
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// Session is a session acting in one team: what its admins see and revoke.
type Session struct {
	ID        identity.ID
	TeamID    identity.ID
	SessionID identity.ID
	UserID    identity.ID
	CreatedAt time.Time
	EndedAt   *time.Time
	EndReason *string
	EndedBy   *identity.ID
	// BreakGlassUntil is when an owner's emergency access ends.
	BreakGlassUntil *time.Time
	// EndedInBulk reports that it ended with all of the team's; EndedAt follows.
	EndedInBulk bool `bun:",scanonly"`
}

// Listed is a team session for the team's admins, with the session behind it, its
// user and their role, nil once they are not a member.
type Listed struct {
	Session
	identity.Summary
	Behind session.Session
	Role   *team.Role
	// Refusal is why the team's policy does not admit it; nil while it does. The
	// store never sets it: the service does when it lists.
	Refusal *team.Refusal
}

// Status returns the state of the team session; it ends with its session.
func (l Listed) Status(now time.Time) session.Status {
	if l.EndedAt != nil || l.EndedInBulk {
		return session.StatusRevoked
	}
	if s := l.Behind.Status(now); s != session.StatusActive || l.Refusal == nil {
		return s
	}
	return session.StatusRefused
}

// refusedBy decides whether a policy refuses a team session, from where it was last
// seen; nil if it admits it.
func (l Listed) refusedBy(p team.Policy, now time.Time) *team.Refusal {
	e := session.ActiveTeamSession{Policy: p, BreakGlassUntil: l.BreakGlassUntil}
	if l.Role != nil {
		e.Role = *l.Role
	}
	return e.Refuses(l.Behind, identity.RequestOrigin{IP: l.Behind.IP}, now)
}

// judged sets for each team session that is open whether the policy refuses it.
func judged(p team.Policy, rows []Listed, now time.Time) []Listed {
	for i, l := range rows {
		if l.Status(now) == session.StatusActive {
			rows[i].Refusal = l.refusedBy(p, now)
		}
	}
	return rows
}

func (l Listed) id() identity.ID { return l.ID }
