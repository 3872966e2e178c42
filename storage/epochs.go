package storage

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// All sessions of a user, of a team or of the deployment end by counting up: what
// was made under an earlier count has ended, before anything is written of it. The
// conditions below hold for what has not ended that way, and go with ended_at
// wherever that is asked for.

const (
	// sessionLives is about a session s.
	sessionLives = `EXISTS (SELECT 1 FROM users AS su WHERE su.id = s.user_id AND su.session_epoch = s.user_epoch)
	AND s.deployment_epoch = (SELECT sd.session_epoch FROM deployment AS sd)`
	// openSession is what makes a session s an open one.
	openSession = "s.ended_at IS NULL AND " + sessionLives
	// endedInBulk is the contrary of sessionLives. As a value, or under OR, NOT EXISTS
	// would have PostgreSQL read all users first.
	endedInBulk = `(s.user_epoch <> (SELECT su.session_epoch FROM users AS su WHERE su.id = s.user_id)
	OR s.deployment_epoch <> (SELECT sd.session_epoch FROM deployment AS sd))`
	// endedSession is the contrary of openSession.
	endedSession = "(s.ended_at IS NOT NULL OR " + endedInBulk + ")"

	// ofOwner reports whether a team session t goes by the owners' counter.
	ofOwner = `coalesce(t.of_owner, EXISTS (SELECT 1 FROM memberships AS om
	WHERE om.team_id = t.team_id AND om.user_id = t.user_id AND om.role = 'owner'))`
	// teamSessionLives is about a team session t, without the session behind it.
	teamSessionLives = `t.epoch = (SELECT CASE WHEN ` + ofOwner + ` THEN tt.owner_epoch ELSE tt.session_epoch END
	FROM teams AS tt WHERE tt.id = t.team_id)`
	// openTeamSession is what makes a team session t an open one, as long as the
	// session behind it is.
	openTeamSession  = "t.ended_at IS NULL AND " + teamSessionLives
	endedTeamSession = "NOT (" + openTeamSession + ")"
)

// stampedInTeam gives a new team session the count of now, of the owners or of the
// others.
func stampedInTeam(q *bun.InsertQuery, teamID, user identity.ID) *bun.InsertQuery {
	const owner = "EXISTS (SELECT 1 FROM memberships AS om WHERE om.team_id = ? AND om.user_id = ? AND om.role = 'owner')"
	return q.Value("of_owner", owner, teamID, user).
		Value("epoch", "(SELECT CASE WHEN "+owner+" THEN tt.owner_epoch ELSE tt.session_epoch END FROM teams AS tt WHERE tt.id = ?)", teamID, user, teamID)
}

// carryOver keeps open team sessions open, and ended ones ended, when their
// user's role changes and with it the counter that they go by. It comes before
// the change.
func (db *DB) carryOver(ctx context.Context, teams []identity.ID, user identity.ID, to team.Role) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*teamSessionRow)(nil)).
		Set("epoch = CASE WHEN "+teamSessionLives+" THEN (SELECT CASE WHEN ? THEN ct.owner_epoch ELSE ct.session_epoch END FROM teams AS ct WHERE ct.id = t.team_id) ELSE t.epoch END",
			to == team.RoleOwner).
		Set("of_owner = CASE WHEN "+teamSessionLives+" THEN ? ELSE "+ofOwner+" END", to == team.RoleOwner).
		Where("t.user_id = ? AND t.team_id IN (?) AND t.ended_at IS NULL", user, bun.List(teams)))
}

// EndAllSessions implements session.Store.
func (db *DB) EndAllSessions(ctx context.Context, user *identity.ID, keep session.Filter) (int64, error) {
	db.unhurried(ctx)
	counter := db.writer(ctx).NewSelect().TableExpr("deployment AS c").Column("c.session_epoch").Where("c.id = 1")
	stays := db.writer(ctx).NewUpdate().Model((*sessionRow)(nil))
	next := db.writer(ctx).NewUpdate().TableExpr("deployment").Where("id = 1")
	column := "deployment_epoch"
	if user != nil {
		counter = db.writer(ctx).NewSelect().TableExpr("users AS c").Column("c.session_epoch").Where("c.id = ?", *user)
		stays = stays.Where("s.user_id = ?", *user)
		next = db.writer(ctx).NewUpdate().TableExpr("users").Where("id = ?", *user)
		column = "user_epoch"
		db.changed(ctx, *user)
	} else {
		db.changedAll(ctx)
	}
	// Two that end all at once wait for each other here.
	var epoch int64
	if err := db.engine.forUpdate(counter, "c").Scan(ctx, &epoch); err != nil {
		return 0, db.engine.normalise(err)
	}
	if excepted(keep) {
		stays = stays.Set("? = ?", bun.Ident(column), epoch+1).Where(openSession).
			WhereGroup(" AND ", func(q *bun.UpdateQuery) *bun.UpdateQuery { return whereExcepted(q, keep, "s") })
		if err := db.execDeferred(ctx, stays); err != nil {
			return 0, err
		}
	}
	err := db.execDeferred(ctx, next.Set("session_epoch = ?", epoch+1))
	return epoch + 1, err
}

// EndAllTeamSessions implements teamsession.EndStore.
func (db *DB) EndAllTeamSessions(ctx context.Context, teamID identity.ID, owners bool, keep session.Filter) (epoch int64, ownerEpoch *int64, err error) {
	db.unhurried(ctx)
	db.changedAll(ctx) // members watch by their own ids, and there are many
	var was struct{ SessionEpoch, OwnerEpoch int64 }
	counters := db.writer(ctx).NewSelect().TableExpr("teams AS c").Column("c.session_epoch", "c.owner_epoch").Where("c.id = ?", teamID)
	if err := db.engine.forUpdate(counters, "c").Scan(ctx, &was); err != nil {
		return 0, nil, db.engine.normalise(err)
	}
	if excepted(keep) {
		stays := db.writer(ctx).NewUpdate().Model((*teamSessionRow)(nil)).Set("epoch = t.epoch + 1").
			Where("t.team_id = ?", teamID).Where(openTeamSession).
			WhereGroup(" AND ", func(q *bun.UpdateQuery) *bun.UpdateQuery { return whereExcepted(q, keep, "t") })
		if !owners {
			stays = stays.Where("NOT " + ofOwner)
		}
		if err := db.execDeferred(ctx, stays); err != nil {
			return 0, nil, err
		}
	}
	next := db.writer(ctx).NewUpdate().TableExpr("teams").Set("session_epoch = ?", was.SessionEpoch+1).Where("id = ?", teamID)
	if owners {
		next = next.Set("owner_epoch = ?", was.OwnerEpoch+1)
		ownerEpoch = new(was.OwnerEpoch + 1)
	}
	err = db.execDeferred(ctx, next)
	return was.SessionEpoch + 1, ownerEpoch, err
}

func excepted(f session.Filter) bool {
	return f.Except != nil || f.NotUserID != nil || !f.AsOf.IsZero()
}

// whereExcepted keeps what ending all leaves as it is.
func whereExcepted(q *bun.UpdateQuery, f session.Filter, alias string) *bun.UpdateQuery {
	listed := bun.Safe(alias)
	if f.Except != nil {
		q = q.WhereOr("?.id = ?", listed, *f.Except)
	}
	if f.NotUserID != nil {
		q = q.WhereOr("?.user_id = ?", listed, *f.NotUserID)
	}
	if !f.AsOf.IsZero() {
		q = q.WhereOr("?.created_at > ?", listed, f.AsOf.UTC())
	}
	return q
}
