package storage

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

type policyRow struct {
	bun.BaseModel        `bun:"table:team_policies,alias:p"`
	TeamID               identity.ID
	MaxAge               *int64 // seconds, as Idle
	Idle                 *int64
	RequiredProviders    string
	AnyOf                string
	AllowedNetworks      string
	Exclusive            bool
	RequireFreshForAdmin bool
	UpdatedAt            time.Time
	UpdatedBy            identity.ID
}

// joinedPolicy is a policy from a LEFT JOIN: nil throughout where a team has none.
type joinedPolicy struct {
	MaxAge               *int64
	Idle                 *int64
	RequiredProviders    *string
	AnyOf                *string
	AllowedNetworks      *string
	Exclusive            *bool
	RequireFreshForAdmin *bool
}

// domain reads the row. An invalid policy refuses everybody.
func (j joinedPolicy) domain() team.Policy {
	if j.Exclusive == nil {
		return team.Policy{}
	}
	p := team.Policy{
		MaxAge: seconds(j.MaxAge), Idle: seconds(j.Idle), Exclusive: *j.Exclusive, RequireFreshForAdmin: *j.RequireFreshForAdmin,
		Unreadable: j.RequiredProviders == nil || j.AnyOf == nil || j.AllowedNetworks == nil || j.RequireFreshForAdmin == nil,
	}
	if p.Unreadable {
		return p
	}
	p.RequiredProviders = append(p.RequiredProviders, strings.Fields(*j.RequiredProviders)...) // nil for none
	p.AnyOf = append(p.AnyOf, strings.Fields(*j.AnyOf)...)
	for word := range strings.FieldsSeq(*j.AllowedNetworks) {
		n, err := team.ParseNetwork(word)
		if err != nil {
			return team.Policy{Unreadable: true}
		}
		p.AllowedNetworks = append(p.AllowedNetworks, n)
	}
	return p
}

func seconds(n *int64) time.Duration {
	if n == nil {
		return 0
	}
	return time.Duration(*n) * time.Second
}

// limit is seconds the other way round.
func limit(d time.Duration) *int64 {
	if d == 0 {
		return nil
	}
	return new(int64(d / time.Second))
}

// TeamPolicy implements teamsession.PolicyStore.
func (db *DB) TeamPolicy(ctx context.Context, id identity.ID) (team.Policy, error) {
	var row joinedPolicy
	err := db.teamPolicy(ctx, id).Scan(ctx, &row)
	if err = db.engine.normalise(err); err == identity.ErrNotFound { //nolint:errorlint // our own sentinel
		return team.Policy{}, nil
	}
	return row.domain(), err
}

func (db *DB) teamPolicy(ctx context.Context, id identity.ID) *bun.SelectQuery {
	return db.reader(ctx).NewSelect().TableExpr("team_policies AS p").ColumnExpr(list(joinedPolicyColumns)).Where("p.team_id = ?", id)
}

// SetTeamPolicy implements teamsession.PolicyStore.
func (db *DB) SetTeamPolicy(ctx context.Context, id identity.ID, p team.Policy, by identity.ID, at time.Time) error {
	db.changed(ctx, id)
	networks := make([]string, len(p.AllowedNetworks))
	for i, n := range p.AllowedNetworks {
		networks[i] = n.String()
	}
	row := policyRow{
		TeamID: id, MaxAge: limit(p.MaxAge), Idle: limit(p.Idle), RequiredProviders: strings.Join(p.RequiredProviders, " "), AnyOf: strings.Join(p.AnyOf, " "),
		AllowedNetworks: strings.Join(networks, " "), Exclusive: p.Exclusive, RequireFreshForAdmin: p.RequireFreshForAdmin,
		UpdatedAt: at, UpdatedBy: by,
	}
	return db.execDeferred(ctx, db.writer(ctx).NewInsert().Model(&row).On("CONFLICT (team_id) DO UPDATE").
		Set("max_age = EXCLUDED.max_age").Set("idle = EXCLUDED.idle").
		Set("required_providers = EXCLUDED.required_providers").Set("any_of = EXCLUDED.any_of").Set("allowed_networks = EXCLUDED.allowed_networks").
		Set("exclusive = EXCLUDED.exclusive").Set("require_fresh_for_admin = EXCLUDED.require_fresh_for_admin").
		Set("updated_at = EXCLUDED.updated_at").Set("updated_by = EXCLUDED.updated_by"))
}

// refusedBy is team.Policy.Check as a condition on a team session, t, its session,
// s, and its user's membership, m: by where the session was last seen, and its
// state at now. An owner's emergency access goes before the policy.
func refusedBy(p team.Policy, now time.Time) (condition string, args []any) {
	rules := []string{"1 = 0"}
	refuse := func(rule string, values ...any) {
		rules, args = append(rules, rule), append(args, values...)
	}
	if p.Unreadable {
		refuse("1 = 1")
	}
	if len(p.AllowedNetworks) > 0 {
		networks := make([]string, len(p.AllowedNetworks))
		var bounds []any
		for i, n := range p.AllowedNetworks {
			seen, values := seenIn(n)
			networks[i], bounds = seen, append(bounds, values...)
		}
		refuse("s.ip_key IS NULL OR NOT ("+strings.Join(networks, " OR ")+")", bounds...)
	}
	if p.MaxAge > 0 {
		refuse("coalesce(s.signed_in_at, s.created_at) <= ?", now.Add(-p.MaxAge))
	}
	if p.Idle > 0 {
		refuse("s.longest_pause >= ? OR s.last_seen_at <= ?", p.Idle, now.Add(-p.Idle))
	}
	for _, name := range p.RequiredProviders {
		proven, values := provenBy(name)
		refuse("NOT ("+proven+")", values...)
	}
	if len(p.AnyOf) > 0 {
		proofs := make([]string, len(p.AnyOf))
		var all []any
		for i, name := range p.AnyOf {
			proven, values := provenBy(name)
			proofs[i], all = "("+proven+")", append(all, values...)
		}
		refuse("NOT ("+strings.Join(proofs, " OR ")+")", all...)
	}
	return "(" + strings.Join(rules, " OR ") + ") AND NOT (coalesce(m.role, '') = ? AND t.break_glass_until IS NOT NULL AND t.break_glass_until > ?)",
		append(args, team.RoleOwner, now)
}
