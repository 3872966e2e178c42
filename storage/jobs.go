package storage

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/revocation"
	"github.com/latchkey/latchkey/identity/session"
)

const (
	// jobWindow is how many rows a step of a job by count looks at, and jobItems
	// how many a step by ids ends: so few that they can be named to those who
	// remember sessions.
	jobWindow = 1000
	jobItems  = 200
)

type jobRow struct {
	bun.BaseModel `bun:"table:jobs,alias:j"`
	revocation.Job
}

// MoreSessions implements session.Store.
func (db *DB) MoreSessions(ctx context.Context, f session.Filter, now time.Time, than int) (bool, error) {
	q := db.whereSession(db.reader(ctx).NewSelect().Model((*sessionRow)(nil)).ColumnExpr("1"), f, now)
	return db.more(ctx, q, than)
}

// MoreTeamSessions implements teamsession.EndStore.
func (db *DB) MoreTeamSessions(ctx context.Context, teamID identity.ID, f session.Filter, now time.Time, than int) (bool, error) {
	return db.more(ctx, db.whereInTeam(db.teamSessions(ctx).ColumnExpr("1"), teamID, f, now), than)
}

func (db *DB) more(ctx context.Context, q *bun.SelectQuery, than int) (bool, error) {
	more, err := db.reader(ctx).NewSelect().TableExpr("(?) AS k", q.Limit(1).Offset(int64(than))).Exists(ctx)
	return more, db.engine.normalise(err)
}

// InsertJob implements revocation.Store.
func (db *DB) InsertJob(ctx context.Context, j revocation.Job) error {
	return db.insert(ctx, &jobRow{Job: j})
}

// NoteItems implements session.Store.
func (db *DB) NoteItems(ctx context.Context, j revocation.Job, f session.Filter, now time.Time) (int, error) {
	db.unhurried(ctx)
	var items *bun.SelectQuery
	if j.TeamID != nil {
		items = db.whereInTeam(db.teamSessions(ctx).ColumnExpr("?, t.id", j.ID), *j.TeamID, f, now)
	} else {
		items = db.whereSession(db.writer(ctx).NewSelect().TableExpr("sessions AS s").ColumnExpr("?, s.id", j.ID), f, now)
	}
	n, err := db.exec(ctx, db.writer(ctx).NewRaw("INSERT INTO job_items (job_id, item_id) ?", items))
	return int(n), err
}

// UpdateJob implements revocation.Store.
func (db *DB) UpdateJob(ctx context.Context, j revocation.Job) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&jobRow{Job: j}).
		Column("settling", "after_id", "ended", "total", "finished_at").Where("j.id = ?", j.ID))
}

// Job implements revocation.Store.
func (db *DB) Job(ctx context.Context, id identity.ID) (revocation.Job, error) {
	return db.job(ctx, db.reader(ctx).NewSelect().Where("j.id = ?", id))
}

// HasOpenJob implements revocation.Store.
func (db *DB) HasOpenJob(ctx context.Context) (bool, error) {
	open, err := db.reader(ctx).NewSelect().Model((*jobRow)(nil)).Where("j.finished_at IS NULL").Exists(ctx)
	return open, db.engine.normalise(err)
}

// NextJob implements revocation.Store.
func (db *DB) NextJob(ctx context.Context) (revocation.Job, error) {
	oldest := db.writer(ctx).NewSelect().Where("j.finished_at IS NULL").Order("j.id").Limit(1)
	return db.job(ctx, db.engine.forUpdateSkipLocked(oldest, "j"))
}

// LockTeamJob implements teamsession.EndStore.
func (db *DB) LockTeamJob(ctx context.Context, teamID identity.ID) (revocation.Job, error) {
	oldest := db.writer(ctx).NewSelect().Where("j.finished_at IS NULL AND j.team_id = ? AND j.epoch IS NOT NULL", teamID).Order("j.id").Limit(1)
	return db.job(ctx, db.engine.forUpdate(oldest, "j"))
}

func (db *DB) job(ctx context.Context, q *bun.SelectQuery) (revocation.Job, error) {
	var row jobRow
	err := q.Model(&row).Scan(ctx)
	return row.Job, db.engine.normalise(err)
}

// endedAlias is the alias of what a job ends: sessions, s, or team sessions, t.
func endedAlias(j revocation.Job) string {
	if j.TeamID != nil {
		return "t"
	}
	return "s"
}

// Writers implements revocation.Store. A transaction locks a table before it takes
// the snapshot by which it writes; SQLite has one writer.
func (db *DB) Writers(ctx context.Context, kind revocation.JobKind) (string, error) {
	if db.engine == sqlite {
		return "", nil
	}
	table := map[revocation.JobKind]string{revocation.JobEndSessions: "sessions", revocation.JobEndTeamSessions: "team_sessions"}[kind]
	var out string
	err := db.writer(ctx).NewRaw(`SELECT coalesce(string_agg(DISTINCT l.virtualtransaction, ' '), '') FROM pg_locks AS l
		JOIN pg_database AS d ON d.oid = l.database AND d.datname = current_database()
		WHERE l.relation = ?::regclass AND l.mode = 'RowExclusiveLock' AND l.granted AND l.pid <> pg_backend_pid()`, table).Scan(ctx, &out)
	return out, db.engine.normalise(err)
}

// whereBelow keeps what a job by count ends of sessions, s, or of team sessions, t:
// what was active at the call.
func whereBelow[Q interface {
	Where(query string, args ...any) Q
}](q Q, j revocation.Job) Q {
	switch {
	case j.TeamID != nil:
		q = q.Where("t.team_id = ? AND t.ended_at IS NULL", *j.TeamID).
			Where("EXISTS (SELECT 1 FROM sessions AS b WHERE b.id = t.session_id AND b.ended_at IS NULL AND b.expires_at > ? AND b.idle_expires_at > ?)", j.CreatedAt, j.CreatedAt)
		if j.OwnerEpoch != nil {
			return q.Where("t.epoch < CASE WHEN "+ofOwner+" THEN ? ELSE ? END", *j.OwnerEpoch, *j.Epoch)
		}
		return q.Where("t.epoch < ? AND NOT "+ofOwner, *j.Epoch)
	case j.UserID != nil:
		q = q.Where("s.user_id = ? AND s.user_epoch < ?", *j.UserID, *j.Epoch)
	default:
		q = q.Where("s.deployment_epoch < ?", *j.Epoch)
	}
	return q.Where("s.ended_at IS NULL AND s.expires_at > ? AND s.idle_expires_at > ?", j.CreatedAt, j.CreatedAt)
}

// CountJob implements revocation.Store.
func (db *DB) CountJob(ctx context.Context, j revocation.Job) (int, error) {
	db.unhurried(ctx)
	q := db.reader(ctx).NewSelect().Model((*sessionRow)(nil))
	if j.TeamID != nil {
		q = db.reader(ctx).NewSelect().Model((*teamSessionRow)(nil))
	}
	n, err := whereBelow(q, j).Count(ctx)
	return int(n), db.engine.normalise(err)
}

// EndBatch implements revocation.Store.
func (db *DB) EndBatch(ctx context.Context, j revocation.Job, end revocation.End) (gone []revocation.Ended, after *identity.ID, done bool, err error) {
	if j.Epoch == nil {
		gone, done, err = db.endItems(ctx, j, end)
		return gone, nil, done, err
	}
	id := bun.Safe(endedAlias(j) + ".id")
	last, err := db.endOfWindow(ctx, j, id)
	if err != nil {
		return nil, nil, false, err
	}
	// They have ended already, and caches have dropped them.
	tx := inTx(ctx)
	changed := tx.changed
	defer func() { tx.changed = changed }()
	gone, err = db.endBy(ctx, j, end, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		if j.AfterID != nil {
			q = q.Where("? > ?", id, *j.AfterID)
		}
		if last != nil {
			q = q.Where("? <= ?", id, *last)
		}
		return whereBelow(q, j)
	})
	return gone, last, last == nil, err
}

// endOfWindow is the id of the last row that a step looks at; nil for all that are
// left.
func (db *DB) endOfWindow(ctx context.Context, j revocation.Job, id bun.Safe) (*identity.ID, error) {
	q := db.reader(ctx).NewSelect().ColumnExpr("?", id).OrderExpr("?", id).Offset(jobWindow - 1).Limit(1)
	switch {
	case j.TeamID != nil:
		q = q.TableExpr("team_sessions AS t").Where("t.team_id = ?", *j.TeamID)
	case j.UserID != nil:
		q = q.TableExpr("sessions AS s").Where("s.user_id = ?", *j.UserID)
	default:
		q = q.TableExpr("sessions AS s")
	}
	if j.AfterID != nil {
		q = q.Where("? > ?", id, *j.AfterID)
	}
	var ids []identity.ID
	if err := q.Scan(ctx, &ids); err != nil || len(ids) == 0 {
		return nil, db.engine.normalise(err)
	}
	return &ids[0], nil
}

func (db *DB) endItems(ctx context.Context, j revocation.Job, end revocation.End) (gone []revocation.Ended, done bool, err error) {
	var items []identity.ID
	err = db.reader(ctx).NewSelect().TableExpr("job_items AS ji").ColumnExpr("ji.item_id").
		Where("ji.job_id = ?", j.ID).OrderExpr("ji.item_id").Limit(jobItems).Scan(ctx, &items)
	if err != nil || len(items) == 0 {
		return nil, true, db.engine.normalise(err)
	}
	gone, err = db.endBy(ctx, j, end, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		return q.Where("?.id IN (?)", bun.Safe(endedAlias(j)), bun.List(items))
	})
	if err != nil {
		return nil, false, err
	}
	err = db.execDeferred(ctx, db.writer(ctx).NewDelete().TableExpr("job_items").
		Where("job_id = ? AND item_id IN (?)", j.ID, bun.List(items)))
	return gone, len(items) < jobItems, err
}

// endBy ends the open sessions, or team sessions, that narrow leaves.
func (db *DB) endBy(ctx context.Context, j revocation.Job, end revocation.End, narrow func(*bun.UpdateQuery) *bun.UpdateQuery) ([]revocation.Ended, error) {
	if j.TeamID == nil {
		return db.endSessions(ctx, narrow(db.writer(ctx).NewUpdate().Model((*sessionRow)(nil))), end.Reason, end.At)
	}
	return db.endTeamSessions(ctx, narrow(db.writer(ctx).NewUpdate().Model((*teamSessionRow)(nil))), end)
}
