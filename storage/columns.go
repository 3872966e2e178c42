package storage

import (
	"database/sql/driver"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/token"
)

// column is a column, or another expression, of a statement that is not written
// by bun, with the field of a row that it is read into or written from. A
// statement takes both from one list, so neither can shift against the other.
type column[Row any] struct {
	sql   string
	field func(*Row) any // a pointer
}

var userColumns = []column[identity.User]{
	{"id", func(u *identity.User) any { return &u.ID }},
	{"display_name", func(u *identity.User) any { return &u.DisplayName }},
	{"avatar_url", func(u *identity.User) any { return &u.AvatarURL }},
	{"primary_email", func(u *identity.User) any { return &u.PrimaryEmail }},
	{"status", func(u *identity.User) any { return &u.Status }},
	{"merged_into", func(u *identity.User) any { return &u.MergedInto }},
	{"operator", func(u *identity.User) any { return &u.Operator }},
	{"onboarded_at", func(u *identity.User) any { return &u.OnboardedAt }},
	{"metadata", func(u *identity.User) any { return &u.Metadata }},
	{"created_at", func(u *identity.User) any { return &u.CreatedAt }},
	{"updated_at", func(u *identity.User) any { return &u.UpdatedAt }},
	{"external_id", func(u *identity.User) any { return &u.ExternalID }},
	{"app_metadata", func(u *identity.User) any { return &u.AppMetadata }},
	{"suspended_until", func(u *identity.User) any { return &u.SuspendedUntil }},
	{"created_by_key", func(u *identity.User) any { return &u.CreatedByKey }},
}

// carriedColumns are those of a user that sessions carry.
var carriedColumns = without(userColumns, "external_id", "app_metadata", "suspended_until", "created_by_key")

var identityColumns = []column[identity.Identity]{
	{"id", func(i *identity.Identity) any { return &i.ID }},
	{"user_id", func(i *identity.Identity) any { return &i.UserID }},
	{"provider", func(i *identity.Identity) any { return &i.Provider }},
	{"subject", func(i *identity.Identity) any { return &i.Subject }},
	{"label", func(i *identity.Identity) any { return &i.Label }},
	{"email", func(i *identity.Identity) any { return &i.Email }},
	{"email_authoritative", func(i *identity.Identity) any { return &i.EmailAuthoritative }},
	{"wallet_address", func(i *identity.Identity) any { return &i.WalletAddress }},
	{"wallet_chain_id", func(i *identity.Identity) any { return &i.WalletChainID }},
	{"wallet_kind", func(i *identity.Identity) any { return &i.WalletKind }},
	{"terms_version", func(i *identity.Identity) any { return &i.TermsVersion }},
	{"is_primary", func(i *identity.Identity) any { return &i.IsPrimary }},
	{"created_at", func(i *identity.Identity) any { return &i.CreatedAt }},
	{"last_used_at", func(i *identity.Identity) any { return &i.LastUsedAt }},
}

var sessionColumns = []column[sessionRow]{
	{"id", func(s *sessionRow) any { return &s.ID }},
	{"user_id", func(s *sessionRow) any { return &s.UserID }},
	{"identity_id", func(s *sessionRow) any { return &s.IdentityID }},
	{"token_hash", func(s *sessionRow) any { return &s.TokenHash }},
	{"team_session_id", func(s *sessionRow) any { return &s.TeamSessionID }},
	{"methods", func(s *sessionRow) any { return &s.Methods }},
	{"proven_by", func(s *sessionRow) any { return &s.ProvenBy }},
	{"ip", func(s *sessionRow) any { return &s.IP }},
	{"user_agent", func(s *sessionRow) any { return &s.UserAgent }},
	{"created_at", func(s *sessionRow) any { return &s.CreatedAt }},
	{"authenticated_at", func(s *sessionRow) any { return &s.AuthenticatedAt }},
	{"last_seen_at", func(s *sessionRow) any { return &s.LastSeenAt }},
	{"longest_pause", func(s *sessionRow) any { return &s.LongestPause }},
	{"idle_expires_at", func(s *sessionRow) any { return &s.IdleExpiresAt }},
	{"expires_at", func(s *sessionRow) any { return &s.ExpiresAt }},
	{"restricted", func(s *sessionRow) any { return &s.Restricted }},
	{"kind", func(s *sessionRow) any { return &s.Kind }},
	{"key_id", func(s *sessionRow) any { return &s.KeyID }},
	{"client_id", func(s *sessionRow) any { return &s.ClientID }},
	{"grant_id", func(s *sessionRow) any { return &s.GrantID }},
	{"parent_id", func(s *sessionRow) any { return &s.ParentID }},
	{"offline", func(s *sessionRow) any { return &s.Offline }},
	{"scopes", func(s *sessionRow) any { return &s.Scopes }},
	{"resources", func(s *sessionRow) any { return &s.Resources }},
	{"signed_in_at", func(s *sessionRow) any { return &s.SignedInAt }},
	{"ended_at", func(s *sessionRow) any { return &s.EndedAt }},
	{"end_reason", func(s *sessionRow) any { return &s.EndReason }},
	{"ip_key", func(s *sessionRow) any { return &s.IPKey }},
	{"device", func(s *sessionRow) any { return &s.Device }},
}

var familyColumns = []column[token.Family]{
	{"id", func(f *token.Family) any { return &f.ID }},
	{"session_id", func(f *token.Family) any { return &f.SessionID }},
	{"user_id", func(f *token.Family) any { return &f.UserID }},
	{"team_session_id", func(f *token.Family) any { return &f.TeamSessionID }},
	{"role", func(f *token.Family) any { return &f.Role }},
	{"client_id", func(f *token.Family) any { return &f.ClientID }},
	{"seed", func(f *token.Family) any { return &f.Seed }},
	{"generation", func(f *token.Family) any { return &f.Generation }},
	{"created_at", func(f *token.Family) any { return &f.CreatedAt }},
	{"rotated_at", func(f *token.Family) any { return &f.RotatedAt }},
	{"ended_at", func(f *token.Family) any { return &f.EndedAt }},
	{"end_reason", func(f *token.Family) any { return &f.EndReason }},
	{"key_id", func(f *token.Family) any { return &f.KeyID }},
}

var burnedColumns = []column[identity.SingleUse]{
	{"hash", func(s *identity.SingleUse) any { return &s.Hash }},
	{"expires_at", func(s *identity.SingleUse) any { return &s.ExpiresAt }},
}

var eventColumns = []column[identity.Event]{
	{"id", func(e *identity.Event) any { return &e.ID }},
	{"at", func(e *identity.Event) any { return &e.At }},
	{"action", func(e *identity.Event) any { return &e.Action }},
	{"actor_id", func(e *identity.Event) any { return &e.ActorID }},
	{"user_id", func(e *identity.Event) any { return &e.UserID }},
	{"team_id", func(e *identity.Event) any { return &e.TeamID }},
	{"session_id", func(e *identity.Event) any { return &e.SessionID }},
	{"ip", func(e *identity.Event) any { return &e.IP }},
	{"user_agent", func(e *identity.Event) any { return &e.UserAgent }},
	{"data", func(e *identity.Event) any { return &e.Data }},
}

var joinedPolicyColumns = []column[joinedPolicy]{
	{"max_age", func(p *joinedPolicy) any { return &p.MaxAge }},
	{"idle", func(p *joinedPolicy) any { return &p.Idle }},
	{"required_providers", func(p *joinedPolicy) any { return &p.RequiredProviders }},
	{"any_of", func(p *joinedPolicy) any { return &p.AnyOf }},
	{"allowed_networks", func(p *joinedPolicy) any { return &p.AllowedNetworks }},
	{"exclusive", func(p *joinedPolicy) any { return &p.Exclusive }},
	{"require_fresh_for_admin", func(p *joinedPolicy) any { return &p.RequireFreshForAdmin }},
}

// joinedIdentity is an identity from a LEFT JOIN: nil throughout where there is none.
type joinedIdentity struct {
	id                            *identity.ID
	provider, walletAddress, kind *string
	chainID                       *int64
}

var joinedIdentityColumns = []column[joinedIdentity]{
	{"id", func(i *joinedIdentity) any { return &i.id }},
	{"provider", func(i *joinedIdentity) any { return &i.provider }},
	{"wallet_address", func(i *joinedIdentity) any { return &i.walletAddress }},
	{"wallet_chain_id", func(i *joinedIdentity) any { return &i.chainID }},
	{"wallet_kind", func(i *joinedIdentity) any { return &i.kind }},
}

// domain returns nil where the join found none.
func (i joinedIdentity) domain() *session.MadeBy {
	if i.id == nil {
		return nil
	}
	by := &session.MadeBy{ID: *i.id, Provider: *i.provider}
	if i.walletAddress != nil {
		by.Wallet = &identity.Wallet{Address: *i.walletAddress, ChainID: *i.chainID, Kind: *i.kind}
	}
	return by
}

// joinedTeamSession is a team session from a LEFT JOIN, with its team's policy and
// the role there.
type joinedTeamSession struct {
	id, teamID            *identity.ID
	createdAt, breakGlass *time.Time
	over                  bool
	role                  *team.Role
	policy                joinedPolicy
}

var joinedTeamSessionColumns = []column[joinedTeamSession]{
	{"id", func(t *joinedTeamSession) any { return &t.id }},
	{"team_id", func(t *joinedTeamSession) any { return &t.teamID }},
	{"created_at", func(t *joinedTeamSession) any { return &t.createdAt }},
	{"break_glass_until", func(t *joinedTeamSession) any { return &t.breakGlass }},
}

// domain returns nil where the join found none, or the user is not a member.
func (t joinedTeamSession) domain() *session.ActiveTeamSession {
	if t.id == nil || t.role == nil {
		return nil
	}
	return &session.ActiveTeamSession{
		ID: *t.id, TeamID: *t.teamID, Role: *t.role, CreatedAt: *t.createdAt,
		Policy: t.policy.domain(), BreakGlassUntil: t.breakGlass, EndedByPolicy: t.over,
	}
}

// only is the columns with these names, in their order.
func only[Row any](columns []column[Row], names ...string) []column[Row] {
	out := make([]column[Row], len(names))
	for i, name := range names {
		for _, c := range columns {
			if c.sql == name {
				out[i] = c
			}
		}
		if out[i].field == nil {
			panic("storage: no column " + name)
		}
	}
	return out
}

// without is the columns but those with these names.
func without[Row any](columns []column[Row], names ...string) []column[Row] {
	var out []column[Row]
	for _, c := range columns {
		if !slices.Contains(names, c.sql) {
			out = append(out, c)
		}
	}
	return out
}

// of is the columns of a table, by its alias, read into a part of a larger row.
func of[Row, Part any](alias string, columns []column[Part], part func(*Row) *Part) []column[Row] {
	out := make([]column[Row], len(columns))
	for i, c := range columns {
		out[i] = column[Row]{alias + "." + c.sql, func(r *Row) any { return c.field(part(r)) }}
	}
	return out
}

// list is the columns as SQL.
func list[Row any](columns []column[Row]) string {
	words := make([]string, len(columns))
	for i, c := range columns {
		words[i] = c.sql
	}
	return strings.Join(words, ", ")
}

// fields are where the columns are read into.
func fields[Row any](columns []column[Row], row *Row) []any {
	out := make([]any, len(columns))
	for i, c := range columns {
		out[i] = c.field(row)
	}
	return out
}

// insertInto is an INSERT of the columns; more are the names of further ones and,
// with its parameters from after on, their values.
func insertInto[Row any](e engine, table string, columns []column[Row], more ...[2]string) string {
	names, values := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		names[i], values[i] = c.sql, e.param(i+1)
	}
	for _, m := range more {
		names, values = append(names, m[0]), append(values, m[1])
	}
	return "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(values, ", ") + ")"
}

// update is an UPDATE of the columns, in the row whose id is the parameter after them.
func update[Row any](e engine, table string, columns []column[Row]) string {
	sets := make([]string, len(columns))
	for i, c := range columns {
		sets[i] = c.sql + " = " + e.param(i+1)
	}
	return "UPDATE " + table + " SET " + strings.Join(sets, ", ") + " WHERE id = " + e.param(len(columns)+1)
}

// sqliteTime is how bun writes a time for SQLite, which compares times as text.
const sqliteTime = "2006-01-02 15:04:05.999999-07:00"

// argument is a value, or what a pointer leads to, as the driver takes it for a
// parameter: the same that bun writes into its SQL.
func (e engine) argument(value any) (any, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil //nolint:nilnil // NULL is a value
	case string:
		return sanitizeKey(v), nil
	case bool, int64, []byte:
		return v, nil
	case int:
		return int64(v), nil
	case time.Duration:
		return int64(v), nil
	case time.Time:
		if e == sqlite {
			return v.UTC().Format(sqliteTime), nil
		}
		return v, nil
	case identity.ID:
		if e == sqlite {
			return v.String(), nil
		}
		return pgtype.UUID{Bytes: v, Valid: true}, nil
	case *identity.ID: // it would be a driver.Valuer
		if v == nil {
			return nil, nil //nolint:nilnil // likewise
		}
		return e.argument(*v)
	case *time.Time:
		if v == nil {
			return nil, nil //nolint:nilnil // likewise
		}
		return e.argument(*v)
	case *string:
		if v == nil {
			return nil, nil //nolint:nilnil // likewise
		}
		return sanitizeKey(*v), nil
	case *[]byte:
		if *v == nil {
			return nil, nil //nolint:nilnil // likewise
		}
		return *v, nil
	case driver.Valuer:
		plain, err := v.Value()
		if err != nil {
			return nil, err
		}
		return e.argument(plain)
	}
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil, nil //nolint:nilnil // likewise
		}
		return e.argument(v.Elem().Interface())
	case reflect.String:
		return sanitizeKey(v.String()), nil
	default:
		panic("storage: no parameter can be a " + v.Type().String())
	}
}

// arguments are the values of the columns in a row, and then more, as parameters.
func arguments[Row any](e engine, columns []column[Row], row *Row, more ...any) ([]any, error) {
	out := make([]any, 0, len(columns)+len(more))
	for _, c := range columns {
		out = append(out, c.field(row))
	}
	return e.arguments(append(out, more...))
}

// arguments makes each value a parameter, in place.
func (e engine) arguments(values []any) (_ []any, err error) {
	for i := range values {
		if values[i], err = e.argument(values[i]); err != nil {
			return nil, err
		}
	}
	return values, nil
}
