package storage

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
)

// CountMembers implements teamsession.PolicyStore.
func (db *DB) CountMembers(ctx context.Context, teamID identity.ID) (int, error) {
	n, err := db.reader(ctx).NewSelect().Model((*membershipRow)(nil)).Where("m.team_id = ?", teamID).Count(ctx)
	return int(n), db.engine.normalise(err)
}

// TeamFigures implements teamsession.ListStore.
func (db *DB) TeamFigures(ctx context.Context, teamID identity.ID, p team.Policy, now time.Time) (out teamsession.Figures, err error) {
	sessions := func(status session.Status) *bun.SelectQuery {
		return db.whereInTeam(db.teamSessions(ctx), teamID, session.Filter{Status: status, Policy: &p}, now)
	}
	for _, n := range []struct {
		of   *int
		rows *bun.SelectQuery
	}{
		{&out.Members, db.reader(ctx).NewSelect().Model((*membershipRow)(nil)).Where("m.team_id = ?", teamID)},
		{&out.Invitations, db.reader(ctx).NewSelect().Model((*invitationRow)(nil)).Where("n.team_id = ? AND n.closed_at IS NULL AND n.expires_at > ?", teamID, now)},
		{&out.Sessions, sessions(session.StatusActive)},
		{&out.ActiveNow, sessions(session.StatusActive).Where("s.last_seen_at > ?", now.Add(-teamsession.ActiveFor))},
		{&out.LastDay, db.reader(ctx).NewSelect().TableExpr("(?) AS p", sessions(session.StatusActive).Distinct().Column("t.user_id").Where("s.last_seen_at > ?", now.Add(-24*time.Hour)))},
		{&out.Refused, sessions(session.StatusRefused)},
	} {
		count, err := n.rows.Count(ctx)
		if err != nil {
			return out, db.engine.normalise(err)
		}
		*n.of = int(count)
	}
	var methods []struct {
		Methods session.Methods
		N       int
	}
	if err := sessions(session.StatusActive).ColumnExpr("s.methods AS methods, count(*) AS n").GroupExpr("s.methods").Scan(ctx, &methods); err != nil {
		return out, db.engine.normalise(err)
	}
	out.Providers = map[string]int{}
	for _, row := range methods {
		for _, provider := range row.Methods {
			out.Providers[provider] += row.N
		}
	}
	since := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1-teamsession.FigureDays)
	err = db.reader(ctx).NewSelect().TableExpr("team_sessions AS t").Column("t.created_at").Where("t.team_id = ? AND t.created_at >= ?", teamID, since).Scan(ctx, &out.Started)
	return out, db.engine.normalise(err)
}
