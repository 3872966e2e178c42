package storage

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/feed"
)

type feedRow struct {
	bun.BaseModel `bun:"table:feed,alias:fe"`
	feed.Event
}

type feedProgressRow struct {
	bun.BaseModel `bun:"table:feed_progress,alias:pr"`
	ID            int `bun:"type:integer,pk"`
	place
	Seq int64
}

// OnEvents has f called after each commit that recorded events.
func (db *DB) OnEvents(f func()) { db.wakeFeed.Store(&f) }

// PublishEvents implements feed.Store. As seals, the feed is made behind the audit
// trail, by the same rule for what is final: no change waits for another, and what is
// read by seq has no gaps that fill later.
func (db *DB) PublishEvents(ctx context.Context, limit int, now time.Time) (int, error) {
	w, err := db.waitingFor(ctx, "feed_progress")
	if err != nil || w.ID == nil {
		return 0, err
	}
	var looked int
	err = db.InTx(ctx, func(ctx context.Context) error {
		looked = 0
		ours, err := db.engine.tryLockName(ctx, db.writer(ctx), "latchkey feed")
		if err != nil || !ours { // another replica is at it
			return err
		}
		var row feedProgressRow
		if err := db.reader(ctx).NewSelect().Model(&row).Where("pr.id = 1").Scan(ctx); err != nil {
			return db.engine.normalise(err)
		}
		rows, err := db.behind(ctx, row.place, w, limit)
		if looked = len(rows); err != nil || looked == 0 {
			return err
		}
		audited, err := readable(rows)
		if err != nil {
			return err
		}
		var events []feed.Event
		for _, r := range audited {
			if e, ok := feed.Of(r.Event); ok {
				row.Seq++
				e.Seq = row.Seq
				events = append(events, e)
			}
		}
		row.ID, row.place = 1, rows[len(rows)-1].place
		if err := db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&row).Where("pr.id = 1")); err != nil || len(events) == 0 {
			return err
		}
		if err := db.describeUsers(ctx, events); err != nil {
			return err
		}
		published := rowsOf(events, func(e feed.Event) feedRow { return feedRow{Event: e} })
		if err := db.insert(ctx, &published); err != nil {
			return err
		}
		db.changed(ctx, feed.Topic)
		return db.deliver(ctx, events, now)
	})
	return looked, err
}

// describing are the types of events that have what the application sees of a user.
var describing = []feed.Type{feed.UserCreated, feed.UserUpdated, feed.UserRestored}

// describeUsers adds to events what the application sees of their users now. Erasing a
// user empties these events; it waits for this transaction, or this one for it.
func (db *DB) describeUsers(ctx context.Context, events []feed.Event) error {
	var wanted []identity.ID
	about := func(e feed.Event) bool { return e.UserID != nil && slices.Contains(describing, e.Type) }
	for _, e := range events {
		if about(e) {
			wanted = append(wanted, *e.UserID)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	var rows []userRow
	q := db.writer(ctx).NewSelect().Model(&rows).Column("id", "display_name", "primary_email", "status", "external_id", "onboarded_at").
		Where("u.id IN (?)", bun.List(wanted)).Order("u.id")
	if err := db.engine.forShare(q, "u").Scan(ctx); err != nil {
		return db.engine.normalise(err)
	}
	users := make(map[identity.ID]identity.Metadata, len(rows))
	for _, r := range rows {
		users[r.ID] = identity.Metadata{
			"id": r.ID, "display_name": r.DisplayName, "primary_email": r.PrimaryEmail, "status": r.Status,
			"external_id": r.ExternalID, "onboarded_at": r.OnboardedAt,
		}
	}
	for _, e := range events {
		if about(e) {
			e.Data["user"] = users[*e.UserID]
		}
	}
	return nil
}

// FeedBounds implements feed.Store.
func (db *DB) FeedBounds(ctx context.Context) (feed.Bounds, error) {
	var row struct{ First, Last int64 }
	err := db.reader(ctx).NewRaw(`SELECT coalesce((SELECT min(fe.seq) FROM feed AS fe), pr.seq + 1) AS first, pr.seq AS last
		FROM feed_progress AS pr WHERE pr.id = 1`).Scan(ctx, &row)
	return feed.Bounds(row), db.engine.normalise(err)
}

// FeedEvents implements feed.Store.
func (db *DB) FeedEvents(ctx context.Context, after, upTo int64, types []feed.Type, limit int) ([]feed.Event, error) {
	var rows []feedRow
	q := db.reader(ctx).NewSelect().Model(&rows).Where("fe.seq > ? AND fe.seq <= ?", after, upTo).Order("fe.seq").Limit(int64(limit))
	if len(types) > 0 {
		q = q.Where("fe.type IN (?)", bun.List(types))
	}
	err := q.Scan(ctx)
	return rowsOf(rows, func(r feedRow) feed.Event { return r.Event }), db.engine.normalise(err)
}

// FeedBacklog implements feed.Store.
func (db *DB) FeedBacklog(ctx context.Context) (time.Time, error) {
	var row struct{ Oldest *time.Time }
	err := db.reader(ctx).NewRaw(`SELECT (SELECT a.at FROM audit_events AS a WHERE a.seq = 0 AND `+db.engine.behindProgress()+`
		ORDER BY `+db.engine.inOrder()+` LIMIT 1) AS oldest FROM feed_progress AS pr WHERE pr.id = 1`).Scan(ctx, &row)
	if err != nil || row.Oldest == nil {
		return time.Time{}, db.engine.normalise(err)
	}
	return row.Oldest.UTC(), nil
}
