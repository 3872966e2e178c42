// Package importer brings the users of another system over: Auth.js, Better Auth,
// Supabase, Clerk, Auth0, Firebase or a CSV file. Each batch is planned, checked
// against the constraints of the database and then written, and a dry run does the
// same in transactions that are rolled back. What cannot be taken over is named in the
// report; users who may be there twice are noted for `latchkey dedupe`.
package importer

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/linking"
)

// Person is a user as a source has it.
type Person struct {
	ID        string
	Line      int // of a file, from 1; 0 for a database
	Name      string
	Image     string
	Addresses []Address // the primary one first
	Deleted   bool      // left out: the source keeps the row of someone who has left
	Ban       *Ban      // nil for none
	CreatedAt *time.Time
	Onboarded *time.Time
	// Metadata is the person's own, AppMetadata what the application keeps. A role in
	// the source is in AppMetadata: it grants nothing here.
	Metadata    identity.Metadata
	AppMetadata identity.Metadata
	Accounts    []Account
	Faults      []Fault // what could not be read of the person
}

// Address is an address of a Person.
type Address struct {
	Email    string
	Verified bool
	// Vetoed reports whether the source contradicts itself: one of its rows says that
	// the address is not verified.
	Vetoed bool
	Said   bool // the source says whether it is verified
	Line   int
}

// Ban is a restriction of a Person at the source.
type Ban struct {
	Until *time.Time // nil for no end
}

// outlasts reports whether the ban holds longer than one until another time; nil is no
// end.
func (b *Ban) outlasts(until *time.Time) bool {
	return until != nil && (b.Until == nil || b.Until.After(*until))
}

// Account is one identity of a Person at the source.
type Account struct {
	Provider string
	Subject  string
	Email    string // that the provider showed
	// Denied reports whether the provider said that Email is not verified.
	Denied  bool
	ChainID int64
	Primary bool
	Line    int
}

// Fault is something of the source that cannot be read as it is written. The row that
// it is in goes in without it, unless Skipped.
type Fault struct {
	Reason  string
	ID      string // of the user at the source, where one is known
	Line    int
	Column  string
	Value   string // as in the source; the report masks it
	Skipped bool   // the row does not go in
}

// Team is an organization of a source with its members and open invitations.
type Team struct {
	ID          string
	Name        string
	CreatedAt   *time.Time
	Members     []Member
	Invitations []Invitation
}

// Member is a place in a Team.
type Member struct {
	UserID    string
	Role      string
	CreatedAt *time.Time
}

// Invitation is an open invitation to a Team.
type Invitation struct {
	Email     string
	Role      string
	InviterID string
	ExpiresAt *time.Time
}

// Source is a system that is read from. It is never written to.
type Source interface {
	// Total is how many people there are, or -1 where that is not known.
	Total(ctx context.Context) (int64, error)
	// Next returns up to limit people; none at the end.
	Next(ctx context.Context, limit int) ([]Person, error)
	// Teams returns up to limit teams; none at the end.
	Teams(ctx context.Context, limit int) ([]Team, error)
	// Shared lists accounts that more than one person has.
	Shared(ctx context.Context) ([]Claim, error)
	// Faults returns what was wrong with the source itself, or with rows of no one,
	// since the last call.
	Faults() []Fault
	Close() error
}

// Claim is a person's claim to an account that others have, too.
type Claim struct {
	Account   Account
	PersonID  string
	Email     string // verified, of the person; "" where accounts show no address
	CreatedAt *time.Time
}

// Store is where an import goes.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	ImportedUsers(ctx context.Context, origin string, sourceIDs []string) ([]identity.Imported, error)
	// ErasedImported reports whether users of a source were erased.
	ErasedImported(ctx context.Context, origin string) (bool, error)
	ImportedAs(ctx context.Context, origin string, users []identity.ID) ([]identity.Imported, error)
	ImportedAfter(ctx context.Context, origin, after string, limit int) ([]identity.Imported, error)
	Survivors(ctx context.Context, ids []identity.ID) (map[identity.ID]identity.User, error)
	Spellings(ctx context.Context, users []identity.ID) ([]identity.Imported, error)
	IdentitiesBySubject(ctx context.Context, provider string, subjects []string) ([]identity.Identity, error)
	IdentitiesShowing(ctx context.Context, addresses []string, limit int) ([]identity.Identity, error)
	EmailOwners(ctx context.Context, addresses []string) ([]identity.Email, error)
	UsersNamed(ctx context.Context, names []string, limit int) ([]identity.User, error)
	TakenIDs(ctx context.Context, ids []identity.ID, external []string) ([]identity.User, error)
	UnlinkedOf(ctx context.Context, users []identity.ID) ([]identity.Identity, error)
	VouchersOf(ctx context.Context, users []identity.ID) ([]identity.Voucher, error)
	LockUsers(ctx context.Context, ids ...identity.ID) ([]identity.User, error)
	Import(ctx context.Context, b identity.ImportBatch) error
	RecordDuplicates(ctx context.Context, pairs []linking.Duplicate) error

	// What suspends someone who is banned since the last import.
	LockTeamsOf(ctx context.Context, users ...identity.ID) error
	// OwnerlessWithout names the teams that would have no active owner without the user.
	OwnerlessWithout(ctx context.Context, user identity.ID) ([]string, error)
	EndSessions(ctx context.Context, user identity.ID, which session.SessionSelector, reason string, at time.Time) ([]identity.ID, error)
	KillTickets(ctx context.Context, user identity.ID, at time.Time) error
	Suspend(ctx context.Context, user identity.ID, until *time.Time, at time.Time) error
	// Deletions and SetRestoresTo are those of user.Store.
	Deletions(ctx context.Context, users []identity.ID) (map[identity.ID]identity.Leave, error)
	SetRestoresTo(ctx context.Context, user identity.ID, status identity.Status) error
	RecordEvents(ctx context.Context, events ...identity.Event) error

	// Teams.
	ImportedTeams(ctx context.Context, origin string, sourceIDs []string) ([]identity.ImportedTeam, error)
	RecordImportedTeam(ctx context.Context, t identity.ImportedTeam) error
	TakenTeamIDs(ctx context.Context, ids []identity.ID) ([]identity.ID, error)
	LockTeam(ctx context.Context, id identity.ID) (team.Team, error)
	InsertTeam(ctx context.Context, t team.Team) error
	MembersOf(ctx context.Context, team identity.ID) ([]team.Membership, error)
	ImportMember(ctx context.Context, m team.Membership, at time.Time) (bool, error)
	ImportedMembers(ctx context.Context, team identity.ID) ([]identity.ID, error)
	InsertInvitation(ctx context.Context, i team.Invitation) (bool, error)
	InvitedTo(ctx context.Context, team identity.ID) ([]string, error)
}
