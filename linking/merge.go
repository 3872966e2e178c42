package linking

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

// Merge is two users become one: the source stays as a tombstone that points to
// the survivor.
type Merge struct {
	ID          identity.ID
	SourceID    identity.ID
	SurvivorID  identity.ID
	ActorID     *identity.ID // who confirmed it; nil for the command line
	Plan        Plan
	ConfirmedAt time.Time
	UndoUntil   time.Time
	UndoneAt    *time.Time
}

// Plan is exactly what a merge moved, so that it can be undone. Sessions, team
// sessions and sent invitations, which may be many, are in rows of their own.
type Plan struct {
	Identities  []identity.Identity
	Emails      []string
	Vouchers    []identity.ID // live and ended ones
	Memberships []MovedMembership
	Source      Profile // as it was before
	Before      Profile // the survivor's, before
	After       Profile // the survivor's, after
}

// Profile is what a merge may change about the survivor.
type Profile struct {
	DisplayName  string
	AvatarURL    string
	PrimaryEmail *string
	Operator     bool
	OnboardedAt  *time.Time
	Metadata     identity.Metadata
}

func profileOf(u identity.User) Profile {
	return Profile{
		DisplayName: u.DisplayName, AvatarURL: u.AvatarURL, PrimaryEmail: u.PrimaryEmail,
		Operator: u.Operator, OnboardedAt: u.OnboardedAt, Metadata: u.Metadata.Map(),
	}
}

// MovedMembership is the source's place in a team, and what became of it.
type MovedMembership struct {
	TeamID    identity.ID
	TeamName  string
	Role      team.Role  // the source's
	Current   *team.Role // the survivor's before, if they were a member too
	Becomes   team.Role
	CreatedAt time.Time // of the source's membership
	RoleSince *time.Time
	// CurrentCreatedAt and CurrentRoleSince are those of the survivor's before, with
	// Current. Merges of before they were kept have none.
	CurrentCreatedAt *time.Time
	CurrentRoleSince *time.Time
}

// standsIn reports whether what the survivor is in the team now is what the merge
// left: a membership that ended is not there, one that was renewed began later,
// and a role that was changed meanwhile says so, even if it is the same again.
func (m MovedMembership) standsIn(now team.Membership, confirmedAt time.Time) bool {
	if now.Role != m.Becomes {
		return false
	}
	if m.Current == nil {
		return now.CreatedAt.Equal(m.CreatedAt) && same(now.RoleSince, m.RoleSince)
	}
	if m.CurrentCreatedAt == nil {
		return !now.CreatedAt.After(confirmedAt) && same(now.RoleSince, nil)
	}
	return now.CreatedAt.Equal(*m.CurrentCreatedAt) && same(now.RoleSince, m.CurrentRoleSince)
}

// Side says whose value a conflict is decided by.
type Side string

// The two users of a merge.
const (
	SideSource   Side = "source"
	SideSurvivor Side = "survivor"
)

// Conflict is a field in which both users have a value, and they differ.
type Conflict struct {
	Field    string // "display_name", "metadata.plan" ...
	Source   any
	Survivor any
	Choice   Side
}

// Gain is a privilege that the survivor gets by the merge.
type Gain struct {
	Kind     string // "operator", "membership" or "role"
	TeamID   *identity.ID
	TeamName string
	Role     team.Role
}

// Preview is what a merge does, or did. Making one writes nothing.
type Preview struct {
	ID          identity.ID // of the ticket, and of the merge it becomes
	Source      identity.User
	Survivor    identity.User
	Plan        Plan
	Conflicts   []Conflict
	Gains       []Gain // of the survivor
	SourceGains []Gain // of the person of the source, in the other direction
	Sessions    int    // of the source, which end
	Invitations int    // that the source sent, which go on
	Fingerprint string // of everything above; changes when anything does
	Merge       *Merge // once confirmed
}

// MergeChoices are what the person chooses about a merge. Zero is the default: the
// older account survives, with its own values.
type MergeChoices struct {
	Survivor    *identity.ID
	Choices     map[string]Side // by Conflict.Field
	Fingerprint string          // of the preview that was shown
}

// MergeStore is what merging reads and writes, in the transaction of InTx. Every
// method is one statement, however many rows it moves.
type MergeStore interface {
	// TicketByID and TicketByToken return a ticket without holding its row: what
	// uses up a merge ticket holds the rows of its users, which come first.
	TicketByID(ctx context.Context, id identity.ID) (Ticket, error)
	TicketByToken(ctx context.Context, tokenHash []byte) (Ticket, error)
	// EmailsOf lists the verified addresses of a user.
	EmailsOf(ctx context.Context, user identity.ID) ([]string, error)
	// MembershipsOf lists the places of users in teams that are not deleted.
	MembershipsOf(ctx context.Context, users ...identity.ID) ([]team.MembershipWithTeam, error)
	// LockTeamsOf holds the rows of all teams of users, in id order.
	LockTeamsOf(ctx context.Context, users ...identity.ID) error
	CountOpenSessions(ctx context.Context, user identity.ID, now time.Time) (int, error)
	CountOpenInvitationsBy(ctx context.Context, user identity.ID, now time.Time) (int, error)

	InsertMerge(ctx context.Context, m Merge) error
	// MergeByID returns a merge, holding the rows of its users and its own, in this order.
	MergeByID(ctx context.Context, id identity.ID) (Merge, error)
	SetUndone(ctx context.Context, m Merge) error
	// Merges lists merges, of one user or of all, newest first.
	Merges(ctx context.Context, user *identity.ID, p identity.Page) ([]Merge, error)

	// LaterMerges lists, oldest first, the merges since m that were not undone and
	// involve its survivor: as survivor, or as the source of the one that made them
	// a tombstone.
	LaterMerges(ctx context.Context, m Merge) ([]Merge, error)

	// RecordItems notes the sessions, team sessions and sent invitations of the
	// source under the merge.
	RecordItems(ctx context.Context, m Merge) error
	// MoveItems gives all that RecordItems notes to the survivor and ends the
	// sessions, and the source's places in deleted teams; MoveItemsBack gives back what was noted. Ended stays ended.
	MoveItems(ctx context.Context, m Merge, at time.Time) error
	MoveItemsBack(ctx context.Context, m Merge) error

	SetUser(ctx context.Context, u identity.User) error // every column
	MoveIdentities(ctx context.Context, ids []identity.ID, to identity.ID) error
	MoveEmails(ctx context.Context, addresses []string, to identity.ID) error
	VoucherIDsOf(ctx context.Context, user identity.ID) ([]identity.ID, error)
	// MoveVouchers gives all vouchers of a user to another, and what the user has
	// settled; MoveVouchersBack returns those with the given ids, and those that
	// the given identities have given since.
	MoveVouchers(ctx context.Context, from, to identity.ID) error
	MoveVouchersBack(ctx context.Context, ids []identity.ID, of []identity.Identity, from, to identity.ID) error
	// MoveSettledBack makes another user's what one has settled about addresses.
	MoveSettledBack(ctx context.Context, addresses []string, from, to identity.ID) error
	MoveMemberships(ctx context.Context, teams []identity.ID, from, to identity.ID) error
	InsertMemberships(ctx context.Context, ms []team.Membership) error
	DeleteMemberships(ctx context.Context, teams []identity.ID, user identity.ID) error
	SetRole(ctx context.Context, teams []identity.ID, user identity.ID, role team.Role) error
	// KillTickets ends the user's open tickets, in all browsers, and the grants for
	// more of them.
	KillTickets(ctx context.Context, user identity.ID, at time.Time) error
	// RevokeGrantsOf ends what a user lets applications do.
	RevokeGrantsOf(ctx context.Context, user identity.ID, at time.Time) error
	EndSessionsByIdentities(ctx context.Context, ids []identity.ID, reason string, at time.Time) error
	EndTeamSessionsIn(ctx context.Context, teams []identity.ID, user identity.ID, reason string, at time.Time) error
	// CountOwnerless counts, of the teams, those without an active owner.
	CountOwnerless(ctx context.Context, teams []identity.ID) (int, error)
}

// fingerprint is a hash of everything a person is shown before they confirm.
func (p Preview) fingerprint() string {
	raw, err := json.Marshal([]any{
		p.Source.ID, p.Survivor.ID, p.Plan.Identities, p.Plan.Emails, p.Plan.Memberships, p.Plan.After, p.Gains, p.Conflicts,
	})
	if err != nil {
		panic(err) // all of it came out of JSON or goes into it elsewhere
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// Value implements driver.Valuer.
func (p Plan) Value() (driver.Value, error) {
	raw, err := json.Marshal(p)
	return string(raw), err
}

// Scan implements sql.Scanner.
func (p *Plan) Scan(src any) error {
	switch v := src.(type) {
	case string:
		return json.Unmarshal([]byte(v), p)
	case []byte:
		return json.Unmarshal(v, p)
	}
	return fmt.Errorf("merge plan: cannot scan %T", src)
}
