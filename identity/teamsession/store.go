package teamsession

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/revocation"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// Store keeps team sessions. Methods called inside InTx with its context run in that
// transaction. Rows that do not exist are identity.ErrNotFound.
type Store interface {
	team.RoleReader
	session.PrincipalStore
	PolicyStore
	EntryStore
	ListStore
	EndStore
	RecordEvents(ctx context.Context, events ...identity.Event) error
}

// PolicyStore keeps what teams ask of sessions.
type PolicyStore interface {
	// TeamPolicy returns what a team asks of sessions; the zero policy where
	// nothing is stored.
	TeamPolicy(ctx context.Context, id identity.ID) (team.Policy, error)
	CountMembers(ctx context.Context, team identity.ID) (int, error)
	SetTeamPolicy(ctx context.Context, id identity.ID, p team.Policy, by identity.ID, at time.Time) error
	// LockSession returns a session and holds its row.
	LockSession(ctx context.Context, id identity.ID) (session.Session, error)
	// TeamAccess returns what decides about a member's session in a team: their
	// role, the policy, and the open team session, if there is one. One statement.
	TeamAccess(ctx context.Context, team, user, session identity.ID) (session.ActiveTeamSession, error)
	// OpenTeamSession returns the session's open team session in the team, also one
	// that ended in bulk, which is the only one until that is written down.
	OpenTeamSession(ctx context.Context, session, team identity.ID) (Session, error)
}

// Entry is what decides about entering a team.
type Entry struct {
	Session session.Session
	Policy  team.Policy
	Open    *Session // as of PolicyStore.OpenTeamSession; nil if there is none
}

// EntryStore starts team sessions.
type EntryStore interface {
	// LockEntry returns what decides about entering a team, and holds the session's row.
	LockEntry(ctx context.Context, session, team identity.ID) (Entry, error)
	InsertTeamSession(ctx context.Context, s Session) error
	UpdateSession(ctx context.Context, s session.Session) error
	// SetBreakGlass allows a team session until a time, whatever the policy says.
	SetBreakGlass(ctx context.Context, id identity.ID, until time.Time) error
	// OwnerAddresses returns the verified addresses of the team's active owners,
	// without one of them.
	OwnerAddresses(ctx context.Context, team, except identity.ID) ([]string, error)
}

// ListStore reads who is in a team.
type ListStore interface {
	ListedTeamSession(ctx context.Context, id identity.ID) (Listed, error)
	TeamSessions(ctx context.Context, team identity.ID, f session.Filter, now time.Time, p identity.Page) ([]Listed, error)
	CountTeamSessions(ctx context.Context, team identity.ID, f session.Filter, now time.Time) (int, error)
	// TeamFigures counts what is in a team, of whose sessions a policy refuses some.
	TeamFigures(ctx context.Context, team identity.ID, p team.Policy, now time.Time) (Figures, error)
}

// EndStore ends team sessions.
type EndStore interface {
	EndTeamSession(ctx context.Context, s Session) error
	// EndMatchingTeamSessions ends the team's open team sessions that meet the
	// filter, by one statement, and returns them.
	EndMatchingTeamSessions(ctx context.Context, team identity.ID, f session.Filter, end revocation.End) ([]revocation.Ended, error)
	// MoreTeamSessions reports whether TeamSessions would list more than so many.
	MoreTeamSessions(ctx context.Context, team identity.ID, f session.Filter, now time.Time, than int) (bool, error)
	// EndAllTeamSessions ends every session of a team, with or without those of its
	// owners, who have a counter of their own, by counting up, and returns the new
	// counts. It leaves what the filter names as Except, NotUserID, or made after AsOf.
	EndAllTeamSessions(ctx context.Context, team identity.ID, owners bool, keep session.Filter) (epoch int64, ownerEpoch *int64, err error)
	// NoteItems notes for a job what meets the filter, and returns how many that is.
	NoteItems(ctx context.Context, j revocation.Job, f session.Filter, now time.Time) (int, error)
	// LockTeamJob returns the oldest unfinished job by count of a team, and holds
	// its row.
	LockTeamJob(ctx context.Context, team identity.ID) (revocation.Job, error)
	UpdateJob(ctx context.Context, j revocation.Job) error
}
