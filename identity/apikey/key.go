// Package apikey makes and checks the credentials of services: what a program
// that is no person shows to be answered.
package apikey

import (
	"crypto/rand"
	"database/sql/driver"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

// Scope is what a key may do.
type Scope string

// The scopes.
const (
	ScopeIntrospect Scope = "introspect"  // ask what a token is worth now
	ScopeUsersRead  Scope = "users:read"  // what an application knows of its users
	ScopeUsersWrite Scope = "users:write" // and changes about them
	// ScopeProofsWrite lets a key vouch for people, under the provider Key.Proves.
	ScopeProofsWrite Scope = "proofs:write"
	ScopeEventsRead  Scope = "events:read" // the feed of events
	ScopeAdminRead   Scope = "admin:read"  // see what operators see
	ScopeAdminWrite  Scope = "admin:write" // and do what they do

	// Of the keys of teams, which have them by their role.
	ScopeTeamRead   Scope = "team:read"   // see what every member sees
	ScopeTeamManage Scope = "team:manage" // and what takes an admin
)

// AllScopes are the scopes that a key of the deployment can be given.
var AllScopes = Scopes{ScopeIntrospect, ScopeUsersRead, ScopeUsersWrite, ScopeEventsRead, ScopeProofsWrite, ScopeAdminRead, ScopeAdminWrite}

// Scopes are stored as words in one text column.
type Scopes []Scope

// List returns the scopes as they are listed for people.
func (s Scopes) List() string {
	words := make([]string, len(s))
	for i, scope := range s {
		words[i] = string(scope)
	}
	return strings.Join(words, ", ")
}

// Value implements driver.Valuer.
func (s Scopes) Value() (driver.Value, error) {
	words := make([]string, len(s))
	for i, scope := range s {
		words[i] = string(scope)
	}
	return strings.Join(words, " "), nil
}

// Scan implements sql.Scanner.
func (s *Scopes) Scan(src any) error {
	var text string
	switch v := src.(type) {
	case string:
		text = v
	case []byte:
		text = string(v)
	default:
		return fmt.Errorf("scopes: cannot scan %T", src)
	}
	*s = nil
	for _, word := range strings.Fields(text) {
		*s = append(*s, Scope(word))
	}
	return nil
}

// Key is one credential: `lk_<prefix>_<secret>`, of which the secret is 256
// random bits and only its hash is kept. It acts for the deployment, by scopes,
// or as a machine member of a team, by a role: never as a person.
type Key struct {
	ID         identity.ID
	Prefix     string // 12 letters and digits; no secret
	SecretHash []byte
	Name       string
	Scopes     Scopes // none for a key of a team
	TeamID     *identity.ID
	Role       *team.Role   // with TeamID; admin or member
	CreatedBy  *identity.ID // nil for the command line
	CreatedAt  time.Time
	ExpiresAt  time.Time
	LastUsedAt *time.Time // to the hour
	RevokedAt  *time.Time
	ReplacedBy *identity.ID // the key that it was rotated to
	// Proves is the provider under which the key vouches for people, with
	// ScopeProofsWrite; "" for none. EmailDomains are those whose addresses it may
	// vouch for.
	Proves       string
	EmailDomains identity.Words
}

// VouchesFor reports whether the key may vouch for an address, canonical, that its
// backend has verified.
func (k Key) VouchesFor(address string) bool {
	return slices.Contains(k.EmailDomains, identity.EmailDomain(address))
}

// Works reports whether the key is one at now.
func (k Key) Works(now time.Time) bool { return k.RevokedAt == nil && now.Before(k.ExpiresAt) }

// OfTeams reports whether the scope is one of teams' keys, not of the deployment's.
func (s Scope) OfTeams() bool { return s == ScopeTeamRead || s == ScopeTeamManage }

// Has reports whether the key has a scope; who may write may read. A key of a team
// has those of its role and no others.
func (k Key) Has(s Scope) bool {
	if k.TeamID != nil {
		return s == ScopeTeamRead || s == ScopeTeamManage && k.Role.Manages()
	}
	return slices.Contains(k.Scopes, s) || s == ScopeAdminRead && slices.Contains(k.Scopes, ScopeAdminWrite) ||
		s == ScopeUsersRead && slices.Contains(k.Scopes, ScopeUsersWrite)
}

// Actor is the key as the author of a change.
func (k Key) Actor(origin identity.RequestOrigin) identity.Actor {
	return identity.Actor{KeyID: &k.ID, RecentlyVerified: true, Origin: origin}
}

var shape = regexp.MustCompile(`^lk_([a-z2-7]{12})_([A-Za-z0-9_-]{43})$`)

// Looks reports whether a bearer token is meant to be an API key. No session token
// looks so: it has 43 characters.
func Looks(raw string) bool { return shape.MatchString(raw) }

// newSecret returns a key's text and what is kept of it.
func newSecret() (raw, prefix string, hash []byte) {
	prefix = strings.ToLower(rand.Text()[:12]) // base32
	secret, hash := identity.NewSecret()
	return "lk_" + prefix + "_" + secret, prefix, hash
}
