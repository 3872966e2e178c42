package session

import (
	"context"
	"net/netip"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/revocation"
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
	Walk      bool         // the list is read along its order, see walks
	Except    *identity.ID // not this one
	NotUserID *identity.ID // not theirs
	Owners    *bool        // in a team: only the owners', or only the others'
}

// walks reports whether no index finds the sessions that meet the filter in the order
// of a list. Ages do not count: they may leave out nothing, and a walk keeps to them.
func (f Filter) walks() bool {
	return f.UserID == nil && f.IDs == nil && (f.Network.IsValid() || f.Device != "" || f.Provider != "" || f.Status != "")
}

// All reports whether the filter leaves out no open session of everyone, or of a
// user, but for those that it excepts.
func (f Filter) All() bool {
	return f.Status == StatusActive && f.Policy == nil && f.Provider == "" && f.KeyID == nil && f.Device == "" && !f.Network.IsValid() &&
		f.OlderThan == 0 && f.NewerThan == 0 && f.IDs == nil
}

// Store keeps sessions. Methods called inside InTx with its context run in that
// transaction. Rows that do not exist are identity.ErrNotFound.
type Store interface {
	PrincipalStore
	revocation.Store

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
	EndMatchingSessions(ctx context.Context, f Filter, end revocation.End) ([]revocation.Ended, error)
	// MoreSessions reports whether Sessions would list more than so many.
	MoreSessions(ctx context.Context, f Filter, now time.Time, than int) (bool, error)
	// EndAllSessions ends every session of a user, or of everyone, by counting up,
	// and returns the new count. It leaves what the filter names as Except,
	// NotUserID, or made after AsOf.
	EndAllSessions(ctx context.Context, user *identity.ID, keep Filter) (epoch int64, err error)
	// NoteItems notes for a job what meets the filter, and returns how many that is.
	NoteItems(ctx context.Context, j revocation.Job, f Filter, now time.Time) (int, error)
	Sessions(ctx context.Context, f Filter, now time.Time, p identity.Page) ([]Listed, error)
	// LookThrough returns the last of the next n sessions after one, in the order of
	// Sessions with nothing of the filter but its key and ages; nil where there are no
	// more than n.
	LookThrough(ctx context.Context, f Filter, now time.Time, after *identity.ID, n int) (*identity.ID, error)
	// Crowded reports whether more than n sessions were last seen in a network.
	Crowded(ctx context.Context, network netip.Prefix, n int) (bool, error)
}

// SessionSelector picks among a user's open sessions: the one, or all but the one.
type SessionSelector struct { //nolint:revive // Selector alone would not say of what
	Only   *identity.ID
	Except *identity.ID
}
