// Package session issues, checks, rotates and ends sessions.
package session

import (
	"bytes"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

// RecentlyVerifiedFor is how long a session counts as recently verified after a proof.
const RecentlyVerifiedFor = 10 * time.Minute

// seenEvery bounds how often last use is written: a check costs no write.
const seenEvery = time.Minute

// Session is one signed-in device of one user. Its token is 256 random bits, of
// which only the hash is stored.
type Session struct {
	ID              identity.ID
	UserID          identity.ID
	IdentityID      *identity.ID // the sign-in method that created it
	TokenHash       []byte
	TeamSessionID   *identity.ID // the team session entered last
	Methods         Methods
	ProvenBy        ProvenBy // the identities proven since, besides IdentityID
	IP              string
	UserAgent       string
	CreatedAt       time.Time
	AuthenticatedAt time.Time     // when the user was last verified
	LastSeenAt      time.Time     // to the minute
	LongestPause    time.Duration // between two uses since AuthenticatedAt
	IdleExpiresAt   time.Time
	ExpiresAt       time.Time
	Restricted      bool // signed in with a recovery code, and has not added a sign-in method yet
	Kind            Kind
	// KeyID is the API key that vouched for the user, here or in a proof since; nil if
	// none did.
	KeyID *identity.ID
	Application
	EndedAt   *time.Time
	EndReason *string
	// EndedInBulk reports that it ended with all of its user's, or all there were;
	// EndedAt follows.
	EndedInBulk bool `bun:",scanonly"`
}

// Kind is what a session is in.
type Kind string

// The kinds of sessions.
const (
	KindBrowser     Kind = "browser"
	KindApplication Kind = "application" // see Application
)

// Application is what a session of KindApplication has besides: one use of an
// application's authorization. It has no token of its own. Tokens of the application
// name it and work as long as it does.
type Application struct {
	ClientID *string
	// ClientName is what the application is called. Only lists fill it in.
	ClientName *string      `bun:",scanonly"`
	GrantID    *identity.ID // what the person agreed to; nil for a trusted client
	// ParentID is the browser's session that it was made in; nil if there was none, or
	// its row is no longer kept.
	ParentID  *identity.ID
	Offline   bool // it goes on when its parent ends
	Scopes    identity.Words
	Resources identity.Words
	// SignedInAt is when the person signed in, for policies. In other sessions that is
	// Session.CreatedAt.
	SignedInAt *time.Time
}

// RecentlyVerified reports whether a proof was given within RecentlyVerifiedFor.
func (s Session) RecentlyVerified(now time.Time) bool {
	return now.Sub(s.AuthenticatedAt) < RecentlyVerifiedFor
}

// Status is what a list shows of a session.
type Status string

// The states of a session. A revoked one stays revoked when it expires.
const (
	StatusActive  Status = "active"
	StatusExpired Status = "expired"
	StatusRevoked Status = "revoked"
	// StatusRefused is a team session that would be active, if the team's policy
	// admitted it.
	StatusRefused Status = "refused"
)

// Status reports whether the session works at now.
func (s Session) Status(now time.Time) Status {
	switch {
	case s.EndedAt != nil || s.EndedInBulk:
		return StatusRevoked
	case !now.Before(s.ExpiresAt) || !now.Before(s.IdleExpiresAt):
		return StatusExpired
	}
	return StatusActive
}

// Principal is the user and session of a token: one joined read.
type Principal struct {
	Session Session
	User    identity.User
	MadeBy  *MadeBy            // nil where a recovery code made the session
	Team    *ActiveTeamSession // the team session entered last, while it is open and, after Authenticate, admitted
	// Refused is that team session while the team's policy does not admit it.
	// The store never sets it: Authenticate decides, at every check.
	Refused *Refused
	// FormerIDs are the ids that the user had before merges.
	FormerIDs FormerIDs
	// Leaving reports whether the user asked for their account to be deleted, and can
	// come back in this session.
	Leaving bool
	// Memo is set while the principal is remembered unchanged.
	Memo *Memo
}

// MadeBy is the identity that made a session.
type MadeBy struct {
	ID       identity.ID
	Provider string
	Wallet   *identity.Wallet // nil where it is none
}

// Memo keeps what was made of a remembered principal, such as an answer, for the
// next check that finds the same. It goes when the principal is forgotten.
type Memo struct{ made atomic.Pointer[[]byte] }

// Load returns what was kept, or nil.
func (m *Memo) Load() []byte {
	if m != nil {
		if made := m.made.Load(); made != nil {
			return *made
		}
	}
	return nil
}

// Keep keeps made, which must not be modified afterwards.
func (m *Memo) Keep(made []byte) {
	if m != nil {
		m.made.Store(&made)
	}
}

// Refused is an open team session that the team's policy does not admit now.
type Refused struct {
	TeamID identity.ID
	team.Refusal
}

// Actor returns the principal as the author of a change.
func (p Principal) Actor(now time.Time, origin identity.RequestOrigin) identity.Actor {
	return identity.Actor{UserID: p.User.ID, SessionID: p.Session.ID, RecentlyVerified: p.Session.RecentlyVerified(now), Origin: origin}
}

// EndedByPolicy is why a change of policy ended a team session.
const EndedByPolicy = "policy"

// ActiveTeamSession is an open team session with the role its user has in the team now.
type ActiveTeamSession struct {
	ID              identity.ID
	TeamID          identity.ID
	Role            team.Role
	CreatedAt       time.Time
	Policy          team.Policy
	BreakGlassUntil *time.Time
	// EndedByPolicy reports whether a change of policy ended it. Stores return it
	// anyway, so that its user learns why; Authenticate never lets them act in it.
	EndedByPolicy bool
}

// Listed is a session with its user, for admins.
type Listed struct {
	Session
	identity.Summary
}

// Methods are the providers that proved the user in a session, in order, each
// once. Stored as words in one text column.
type Methods []string

// With returns the methods with one more.
func (m Methods) With(provider string) Methods {
	if slices.Contains(m, provider) {
		return m
	}
	return append(slices.Clone(m), provider)
}

// AMR returns the methods as tokens name them (`amr`, RFC 8176): the providers, and of a
// passkey also that a key was used (hwk) and that the person was there (user).
func (m Methods) AMR() []string {
	if !slices.Contains(m, identity.ProviderPasskey) {
		return m
	}
	return append(slices.Clone(m), "hwk", "user")
}

// ProvenBy are the identities that were proven in a session since it was made, in
// order, each once. Methods are what remains of them: unlinking one takes its
// provider off, unless another one of the same provider was proven as well. Stored
// as words in one text column.
type ProvenBy []identity.ID

// With returns the identities with one more.
func (p ProvenBy) With(id identity.ID) ProvenBy {
	if slices.Contains(p, id) {
		return p
	}
	return append(slices.Clone(p), id)
}

// Value implements driver.Valuer.
func (p ProvenBy) Value() (driver.Value, error) {
	words := make([]string, len(p))
	for i, id := range p {
		words[i] = id.String()
	}
	return strings.Join(words, " "), nil
}

// Scan implements sql.Scanner.
func (p *ProvenBy) Scan(src any) error {
	ids, err := idsOf(src)
	if err != nil {
		return fmt.Errorf("identities of a session: %w", err)
	}
	*p = ids
	return nil
}

// FormerIDs are the ids that a user had before merges, the oldest first.
type FormerIDs []identity.ID

// Scan implements sql.Scanner.
func (f *FormerIDs) Scan(src any) error {
	*f = nil
	if src == nil {
		return nil
	}
	ids, err := idsOf(src)
	if err != nil {
		return fmt.Errorf("former ids: %w", err)
	}
	slices.SortFunc(ids, func(a, b identity.ID) int { return bytes.Compare(a[:], b[:]) })
	*f = ids
	return nil
}

// idsOf reads ids that are words of a text.
func idsOf(src any) ([]identity.ID, error) {
	var words Methods
	if err := words.Scan(src); err != nil {
		return nil, err
	}
	var ids []identity.ID
	for _, word := range words {
		id, err := uuid.Parse(word)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// Value implements driver.Valuer.
func (m Methods) Value() (driver.Value, error) { return strings.Join(m, " "), nil }

// Scan implements sql.Scanner.
func (m *Methods) Scan(src any) error {
	switch v := src.(type) {
	case string:
		*m = strings.Fields(v)
	case []byte:
		*m = strings.Fields(string(v))
	default:
		return fmt.Errorf("session methods: cannot scan %T", src)
	}
	return nil
}
