package storage

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity/authserver"
	"github.com/latchkey/latchkey/identity/feed"
	"github.com/latchkey/latchkey/identity/figures"
	"github.com/latchkey/latchkey/identity/method/email"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/identity/webhook"
)

// sweepBatch is how many rows of a table one transaction of a sweep deletes, with
// the rows that depend on them: few enough that others do not wait for it.
const sweepBatch = 500

// useless is one reason for which rows of a table have no use any more. Each has
// an index that it can go by, and so does every foreign key to the table.
type useless struct {
	row   any
	alias string
	key   string
	where string
	since time.Time
}

// unreferredGrant is true for a grant cg by which no session was made that is kept, and
// no request of a device.
const unreferredGrant = `NOT EXISTS (SELECT 1 FROM sessions AS gs WHERE gs.grant_id = cg.id)
	AND NOT EXISTS (SELECT 1 FROM device_requests AS gd WHERE gd.grant_id = cg.id)`

// Sweep deletes what has no use any more: burned secrets and tickets that have
// expired by themselves, requests of devices a while after that, e-mail challenges and
// mails that no longer count for a limit, signing keys that no token needs, old events
// of the feed and deliveries, and jobs, sessions and grants of applications that ended,
// expired or were revoked before the given time. It returns how many rows went. Of several replicas one sweeps
// at a time; the others leave it at that.
func (db *DB) Sweep(ctx context.Context, now, sessionsBefore time.Time) (int64, error) {
	session := (*sessionRow)(nil)
	var total int64
	for _, u := range []useless{
		{(*burnedRow)(nil), "b", "hash", "b.expires_at < ?", now},
		{(*ticketRow)(nil), "k", "id", "k.expires_at < ?", now},
		{(*grantRow)(nil), "lg", "id", "lg.expires_at < ?", now},
		{(*deviceRequestRow)(nil), "dr", "id", "dr.expires_at < ?", now.Add(-authserver.KeepDeviceRequests)},
		{(*challengeRow)(nil), "c", "id", "c.expires_at < ?", now.Add(-email.Keep)},
		{(*mailRow)(nil), "em", "id", "em.leaves_at < ?", now.Add(-email.Keep)},
		{(*signingKeyRow)(nil), "sk", "kid", "sk.expires_at < ?", now.Add(-token.KeepRetired)},
		{(*idTokenKeyRow)(nil), "ik", "kid", "ik.expires_at < ?", now.Add(-token.KeepRetired)},
		{(*jobRow)(nil), "j", "id", "j.finished_at < ?", sessionsBefore},
		{(*deliveryRow)(nil), "wd", "id", "wd.created_at < ?", now.Add(-webhook.KeepDeliveries)},
		{(*feedRow)(nil), "fe", "seq", "fe.at < ?", now.Add(-feed.Keep)},
		{(*eventCountRow)(nil), "ec", "hour", "ec.hour < ?", now.Add(-figures.KeepCounts)},
		{session, "s", "id", "s.expires_at < ?", sessionsBefore},
		{session, "s", "id", "s.idle_expires_at < ? AND s.ended_at IS NULL", sessionsBefore},
		{session, "s", "id", "s.ended_at < ?", sessionsBefore},
		{(*clientGrantRow)(nil), "cg", "id", "cg.revoked_at < ? AND " + unreferredGrant, sessionsBefore},
	} {
		for {
			n, more, err := db.sweep(ctx, u)
			total += n
			if err != nil {
				return total, err
			}
			if !more {
				break
			}
		}
	}
	return total, nil
}

// sweep deletes one batch and reports whether there may be more. Rows that
// somebody holds are left for the next time.
func (db *DB) sweep(ctx context.Context, u useless) (gone int64, more bool, err error) {
	err = db.InTx(ctx, func(ctx context.Context) error {
		gone, more = 0, false
		ours, err := db.engine.tryLockName(ctx, db.writer(ctx), "latchkey sweeper")
		if err != nil || !ours {
			return err
		}
		key := bun.Safe(u.alias + "." + u.key)
		batch := db.reader(ctx).NewSelect().Model(u.row).ColumnExpr("?", key).Where(u.where, u.since).Limit(sweepBatch)
		batch = db.engine.forUpdateSkipLocked(batch, u.alias)
		gone, err = db.exec(ctx, db.writer(ctx).NewDelete().Model(u.row).Where("? IN (?)", key, batch))
		more = gone == sweepBatch
		return err
	})
	if err != nil {
		return 0, false, err
	}
	return gone, more, nil
}
