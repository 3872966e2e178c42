package latchkey

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// User is a person who sent a request, as their access token says.
type User struct {
	// ID is the canonical id of the user (sub). After two accounts were merged it is
	// the survivor's: see the event user.merged, and former_ids.
	ID string

	// Session is the session that the token came from (sid).
	Session string

	// Team is the team that the token acts in, "" for none.
	Team string

	// Role is the role in that team when the token was signed, "" without a team.
	Role Role

	// Client is the application that got the token.
	Client string

	// Scopes are what an application may do. The tokens of LATCHKEY_CLIENTS have none.
	Scopes []string

	// AuthenticatedAt is when the person last proved who they are (auth_time).
	AuthenticatedAt time.Time

	// Methods are the providers that verified them in this session (amr), such as
	// google or siwe.
	Methods []string

	// FormerIDs are ids that the user had before merges. Only introspection knows them.
	FormerIDs []string

	// App is what the application's own token hook added, nil for nothing.
	App json.RawMessage

	// ExpiresAt is when the token expires.
	ExpiresAt time.Time
}

// HasRole reports whether the user has at least a role in a team. Use it where the
// team comes from the request, as in /teams/{team}: a role in one team says
// nothing about another.
func (u *User) HasRole(teamID string, role Role) bool {
	return u != nil && teamID != "" && u.Team == teamID && u.Role.AtLeast(role)
}

// HasScope reports whether the application may do what a scope names.
func (u *User) HasScope(scope string) bool {
	return u != nil && slices.Contains(u.Scopes, scope)
}

// VerifiedWithin reports whether the person proved who they are at most d ago. Ask it
// before something that an unattended browser must not do.
func (u *User) VerifiedWithin(d time.Duration) bool {
	return u != nil && !u.AuthenticatedAt.IsZero() && time.Since(u.AuthenticatedAt) <= d+DefaultLeeway
}

// Machine is a program that sent a request: an API key of a team, which got its
// token by client_credentials. It is no user.
type Machine struct {
	ID        string // of the API key
	Team      string
	Role      Role // member or admin
	ExpiresAt time.Time
}

// HasRole reports whether the machine has at least a role in a team.
func (m *Machine) HasRole(teamID string, role Role) bool {
	return m != nil && teamID != "" && m.Team == teamID && m.Role.AtLeast(role)
}

// Role is a role in a team. The zero Role is none.
type Role string

// The roles, from the least to the most powerful.
const (
	Member Role = "member"
	Admin  Role = "admin"
	Owner  Role = "owner"
)

var ranks = map[Role]int{Member: 1, Admin: 2, Owner: 3}

// AtLeast reports whether r includes what another role may. It is false if either is
// not a role, so that a typing error grants nothing.
func (r Role) AtLeast(other Role) bool {
	return ranks[other] > 0 && ranks[r] >= ranks[other]
}

// claims are those of an access token (RFC 9068, section 2.2), and the members of an
// introspection (RFC 7662) that have the same names.
type claims struct {
	Subject   string          `json:"sub"`
	Session   string          `json:"sid"`
	Team      string          `json:"team"`
	Role      Role            `json:"role"`
	Client    string          `json:"client_id"`
	Scope     string          `json:"scope"`
	AuthTime  int64           `json:"auth_time"`
	AMR       []string        `json:"amr"`
	FormerIDs []string        `json:"former_ids"`
	App       json.RawMessage `json:"app"`
	Expiry    int64           `json:"exp"`
}

// caller is who sent a request: exactly one of the two.
type caller struct {
	user    *User
	machine *Machine
}

// caller returns whom the claims are about. A token without a session is a machine's.
func (c claims) caller() (caller, error) {
	expires := time.Unix(c.Expiry, 0)
	switch {
	case c.Subject == "":
		return caller{}, fmt.Errorf("%w: the token has no subject", ErrUnauthenticated)
	case c.Session == "" && c.Team == "":
		return caller{}, fmt.Errorf("%w: the token has neither a session nor a team", ErrUnauthenticated)
	case c.Session == "":
		return caller{machine: &Machine{ID: c.Subject, Team: c.Team, Role: c.Role, ExpiresAt: expires}}, nil
	}
	u := &User{
		ID: c.Subject, Session: c.Session, Team: c.Team, Role: c.Role, Client: c.Client, Scopes: fields(c.Scope),
		Methods: c.AMR, FormerIDs: c.FormerIDs, App: c.App, ExpiresAt: expires,
	}
	if c.AuthTime > 0 {
		u.AuthenticatedAt = time.Unix(c.AuthTime, 0)
	}
	return caller{user: u}, nil
}
