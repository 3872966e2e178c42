package session

import (
	"context"
	"net/netip"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

// Filter narrows a list of sessions. Zero fields do not filter.
type Filter struct {
	UserID   *identity.ID
	Status   Status
	Provider string       // sessions in which this provider proved the user
	KeyID    *identity.ID // sessions of people for whom this API key vouched
	Device   string       // a part of the device's name, ASCII letters in either case
	Network  netip.Prefix // where they were last seen
	// By how long ago the session, or the team session, was made.
	OlderThan, NewerThan time.Duration
	IDs                  []identity.ID // only these; nil is any
	// AsOf keeps what was there at a time; ages count from it. Zero is now.
	AsOf time.Time
	// ByPerson lists all sessions of one person after the other.
	ByPerson bool

	// Set by the service only.

	// Policy is a team's, by which its open team sessions are StatusActive or
	// StatusRefused. Without one all of them are active.
	Policy    *team.Policy
	Oldest    *identity.ID // the last one in the order of a list
	Except    *identity.ID // not this one
	NotUserID *identity.ID // not theirs
	Owners    *bool        // in a team: only the owners', or only the others'
}

// walks reports whether no index finds the sessions that meet the filter.
func (f Filter) walks() bool {
	narrow := f.UserID != nil || f.IDs != nil || f.Network.IsValid() || f.OlderThan > 0 || f.NewerThan > 0
	return !narrow && (f.Device != "" || f.Provider != "" || f.Status != "")
}

// End is how sessions end.
type End struct {
	Reason string
	By     *identity.ID // the user; nil for a service
	At     time.Time
}

// EndedSession is a session, or team session, that has ended, and whose it was.
type EndedSession struct{ ID, UserID identity.ID }

// Store keeps sessions. Methods called inside InTx with its context run in that
// transaction. Rows that do not exist are identity.ErrNotFound.
type Store interface {
	team.RoleReader
	PrincipalStore
	JobStore

	// TeamFigures counts what is in a team, of whose sessions a policy refuses some.
	TeamFigures(ctx context.Context, team identity.ID, p team.Policy, now time.Time) (TeamFigures, error)

	InsertSession(ctx context.Context, s Session) error
	// PrincipalByToken is one statement by a unique key. It answers sessions
	// that have not been ended; expiry and the user's state are the caller's.
	PrincipalByToken(ctx context.Context, tokenHash []byte) (Principal, error)
	// EndingByToken returns when and why the session of a token ended.
	EndingByToken(ctx context.Context, tokenHash []byte) (identity.Ending, error)
	// Leaving reports whether a user is leaving, and may come back.
	Leaving(ctx context.Context, user identity.ID) (bool, error)
	// LockSession returns a session and holds its row.
	LockSession(ctx context.Context, id identity.ID) (Session, error)
	UpdateSession(ctx context.Context, s Session) error
	// TouchSession writes a use, outside any transaction, unless one after was
	// has been written meanwhile: then it answers false.
	TouchSession(ctx context.Context, u Use) (bool, error)
	// WriteUses writes uses of different sessions, outside any transaction, by one
	// statement for very many, as far as there is no later one. It changes no session
	// that has ended. It waits for no row that is locked, and returns those uses, or
	// after an error all that were not written.
	WriteUses(ctx context.Context, uses []Use) (left []Use, err error)
	// AdoptApplications makes the open sessions of applications that were made in one
	// session those of another.
	AdoptApplications(ctx context.Context, from, to identity.ID) error
	// EndSessions ends the user's open sessions, of which only one or all
	// except one may be meant, and returns the ids of those it ended. With a session
	// end those that applications have by it, see Application.
	EndSessions(ctx context.Context, user identity.ID, which SessionSelector, reason string, at time.Time) ([]identity.ID, error)
	ActiveSessions(ctx context.Context, user identity.ID, now time.Time, p identity.Page) ([]Session, error)
	// CountSessions counts what Sessions would list.
	CountSessions(ctx context.Context, f Filter, now time.Time) (int, error)
	// EndMatchingSessions ends the open sessions that meet the filter, with their
	// team sessions, by a constant number of statements, and returns them.
	EndMatchingSessions(ctx context.Context, f Filter, end End) ([]EndedSession, error)
	Sessions(ctx context.Context, f Filter, now time.Time, p identity.Page) ([]Listed, error)
	// LookThrough returns the last of the next n sessions after one, in the order of
	// Sessions without a filter; nil where there are no more than n.
	LookThrough(ctx context.Context, after *identity.ID, n int) (*identity.ID, error)

	// TeamPolicy returns what a team asks of sessions; the zero policy where
	// nothing is stored.
	TeamPolicy(ctx context.Context, id identity.ID) (team.Policy, error)
	CountMembers(ctx context.Context, team identity.ID) (int, error)
	SetTeamPolicy(ctx context.Context, id identity.ID, p team.Policy, by identity.ID, at time.Time) error

	InsertTeamSession(ctx context.Context, t TeamSession) error
	// LockEntry returns what decides about entering a team, and holds the session's row.
	LockEntry(ctx context.Context, session, team identity.ID) (Entry, error)
	// OpenTeamSession returns the session's open team session in the team, also one
	// that ended in bulk, which is the only one until that is written down.
	OpenTeamSession(ctx context.Context, session, team identity.ID) (TeamSession, error)
	EndTeamSession(ctx context.Context, t TeamSession) error
	TeamSessions(ctx context.Context, team identity.ID, f Filter, now time.Time, p identity.Page) ([]ListedInTeam, error)
	CountTeamSessions(ctx context.Context, team identity.ID, f Filter, now time.Time) (int, error)
	// EndMatchingTeamSessions ends the team's open team sessions that meet the
	// filter, by one statement, and returns them.
	EndMatchingTeamSessions(ctx context.Context, team identity.ID, f Filter, end End) ([]EndedSession, error)
	// SetBreakGlass allows a team session until a time, whatever the policy says.
	SetBreakGlass(ctx context.Context, id identity.ID, until time.Time) error
	// TeamAccess returns what decides about a member's session in a team: their
	// role, the policy, and the open team session, if there is one. One statement.
	TeamAccess(ctx context.Context, team, user, session identity.ID) (ActiveTeamSession, error)
	// OwnerAddresses returns the verified addresses of the team's active owners,
	// without one of them.
	OwnerAddresses(ctx context.Context, team, except identity.ID) ([]string, error)
	ListedTeamSession(ctx context.Context, id identity.ID) (ListedInTeam, error)

	RecordEvents(ctx context.Context, events ...identity.Event) error
}

// Entry is what decides about entering a team.
type Entry struct {
	Session Session
	Policy  team.Policy
	Open    *TeamSession // as of Store.OpenTeamSession; nil if there is none
}

// SessionSelector picks among a user's open sessions: the one, or all but the one.
type SessionSelector struct { //nolint:revive // Selector alone would not say of what
	Only   *identity.ID
	Except *identity.ID
}
