package storage

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/figures"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/webhook"
)

type eventCountRow struct {
	bun.BaseModel `bun:"table:event_counts,alias:ec"`
	figures.Count
}

// countEvents adds a batch of events to the counts of their hours, in the transaction
// that seals the batch. One sealer works at a time, so no change waits for a count.
func (db *DB) countEvents(ctx context.Context, batch []placed) error {
	counts := figures.Counts(rowsOf(batch, func(p placed) identity.Event { return p.Event }))
	if len(counts) == 0 {
		return nil
	}
	rows := rowsOf(counts, func(c figures.Count) eventCountRow { return eventCountRow{Count: c} })
	return db.execDeferred(ctx, db.writer(ctx).NewInsert().Model(&rows).On("CONFLICT (hour, action, detail) DO UPDATE").
		Set("n = ec.n + EXCLUDED.n").Set("last_at = CASE WHEN EXCLUDED.last_at > ec.last_at THEN EXCLUDED.last_at ELSE ec.last_at END"))
}

// EventCounts implements figures.Store.
func (db *DB) EventCounts(ctx context.Context, since time.Time) ([]figures.Count, error) {
	var rows []eventCountRow
	err := db.reader(ctx).NewSelect().Model(&rows).Where("ec.hour >= ?", since.UTC()).Order("ec.hour", "ec.action", "ec.detail").Scan(ctx)
	return rowsOf(rows, func(r eventCountRow) figures.Count {
		r.Hour, r.LastAt = r.Hour.UTC(), r.LastAt.UTC()
		return r.Count
	}), db.engine.normalise(err)
}

// FiguresNow implements figures.Store.
func (db *DB) FiguresNow(ctx context.Context, now time.Time) (out figures.Now, err error) {
	q := db.reader(ctx)
	active := func(q *bun.SelectQuery) *bun.SelectQuery {
		return db.whereSession(q, session.Filter{Status: session.StatusActive}, now)
	}
	for _, n := range []struct {
		of   *int
		rows *bun.SelectQuery
	}{
		{&out.Users, q.NewSelect().Model((*userRow)(nil)).Where("u.merged_into IS NULL")},
		{&out.NewUsers, q.NewSelect().Model((*userRow)(nil)).Where("u.merged_into IS NULL AND u.created_at > ?", now.AddDate(0, 0, -7))},
		{&out.Sessions, active(q.NewSelect().Model((*sessionRow)(nil)))},
		{&out.TeamSessions, active(q.NewSelect().TableExpr("team_sessions AS t").Join("JOIN sessions AS s ON s.id = t.session_id").Where("t.ended_at IS NULL"))},
		{&out.Teams, q.NewSelect().Model((*teamRow)(nil))},
		{&out.Duplicates, db.openDuplicates(ctx)},
		{&out.Merges, q.NewSelect().Model((*mergeRow)(nil)).Where("g.confirmed_at > ? AND g.undone_at IS NULL", now.AddDate(0, 0, -figures.Days))},
		{&out.Mails, db.waitingMails(ctx)},
		{&out.Webhooks, q.NewSelect().Model((*webhookRow)(nil)).Where("wh.status = ?", webhook.Enabled)},
		{&out.FailingWebhooks, q.NewSelect().Model((*webhookRow)(nil)).Where("wh.failing_since IS NOT NULL")},
		{&out.Deliveries, q.NewSelect().Model((*deliveryRow)(nil)).Where("wd.status = 'pending'")},
		{&out.LostDeliveries, q.NewSelect().Model((*deliveryRow)(nil)).Where("wd.status = 'failed' AND wd.created_at > ?", now.Add(-24*time.Hour))},
	} {
		count, err := n.rows.Count(ctx)
		if err != nil {
			return out, db.engine.normalise(err)
		}
		*n.of = int(count)
	}
	if out.Mails > 0 {
		var oldest []time.Time
		err = db.waitingMails(ctx).Column("o.created_at").Order("o.created_at").Limit(1).Scan(ctx, &oldest)
		if len(oldest) > 0 {
			out.OldestMail = new(oldest[0].UTC())
		}
	}
	return out, db.engine.normalise(err)
}

func (db *DB) waitingMails(ctx context.Context) *bun.SelectQuery {
	return db.reader(ctx).NewSelect().Model((*taskRow)(nil)).Where("o.kind IN (?, ?)", identity.TaskMail, identity.TaskInvitation)
}
