package storage

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/feed"
	"github.com/latchkey/latchkey/identity/webhook"
)

type webhookRow struct {
	bun.BaseModel `bun:"table:webhooks,alias:wh"`
	webhook.Webhook
}

type deliveryRow struct {
	bun.BaseModel `bun:"table:webhook_deliveries,alias:wd"`
	webhook.Delivery
}

// Webhook implements webhook.Store.
func (db *DB) Webhook(ctx context.Context, id identity.ID) (webhook.Webhook, error) {
	var row webhookRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("wh.id = ?", id).Scan(ctx)
	return row.Webhook, db.engine.normalise(err)
}

// LockWebhook implements webhook.Store.
func (db *DB) LockWebhook(ctx context.Context, id identity.ID) (webhook.Webhook, error) {
	var row webhookRow
	err := db.engine.forUpdate(db.writer(ctx).NewSelect().Model(&row).Where("wh.id = ?", id), "wh").Scan(ctx)
	return row.Webhook, db.engine.normalise(err)
}

// LockWebhooks implements webhook.Store.
func (db *DB) LockWebhooks(ctx context.Context) (int, error) {
	if err := db.engine.lockName(ctx, db.writer(ctx), "latchkey webhooks"); err != nil {
		return 0, err
	}
	n, err := db.writer(ctx).NewSelect().Model((*webhookRow)(nil)).Count(ctx)
	return int(n), db.engine.normalise(err)
}

// InsertWebhook implements webhook.Store.
func (db *DB) InsertWebhook(ctx context.Context, w webhook.Webhook) error {
	return db.insert(ctx, &webhookRow{Webhook: w})
}

// UpdateWebhook implements webhook.Store.
func (db *DB) UpdateWebhook(ctx context.Context, w webhook.Webhook) error {
	db.changed(ctx, feed.Topic) // there may be something to deliver
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&webhookRow{Webhook: w}).
		Column("url", "description", "types", "status", "disabled_reason", "secret", "previous_secret", "previous_secret_until", "failing_since", "failed_at", "updated_at").
		Where("wh.id = ?", w.ID))
}

// DeleteWebhook implements webhook.Store.
func (db *DB) DeleteWebhook(ctx context.Context, id identity.ID) error {
	return db.execDeferred(ctx, db.writer(ctx).NewDelete().Model((*webhookRow)(nil)).Where("wh.id = ?", id))
}

// Webhooks implements webhook.Store.
func (db *DB) Webhooks(ctx context.Context, p identity.Page) ([]webhook.Webhook, error) {
	var rows []webhookRow
	err := newestFirst(db.reader(ctx).NewSelect().Model(&rows), "wh.id", p).Scan(ctx)
	return rowsOf(rows, func(r webhookRow) webhook.Webhook { return r.Webhook }), db.engine.normalise(err)
}

// Deliveries implements webhook.Store.
func (db *DB) Deliveries(ctx context.Context, id identity.ID, status webhook.DeliveryStatus, p identity.Page) ([]webhook.EventDelivery, error) {
	var rows []deliveryRow
	q := db.reader(ctx).NewSelect().Model(&rows).Where("wd.webhook_id = ?", id)
	if status != "" {
		q = q.Where("wd.status = ?", status)
	}
	if err := newestFirst(q, "wd.id", p).Scan(ctx); err != nil {
		return nil, db.engine.normalise(err)
	}
	return db.withEvents(ctx, rows)
}

// withEvents adds to deliveries what they deliver.
func (db *DB) withEvents(ctx context.Context, rows []deliveryRow) ([]webhook.EventDelivery, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	var events []feedRow
	err := db.reader(ctx).NewSelect().Model(&events).Where("fe.seq IN (?)", bun.List(rowsOf(rows, func(r deliveryRow) int64 { return r.Seq }))).Scan(ctx)
	if err != nil {
		return nil, db.engine.normalise(err)
	}
	by := make(map[int64]feed.Event, len(events))
	for _, e := range events {
		by[e.Seq] = e.Event
	}
	var out []webhook.EventDelivery
	for _, r := range rows {
		if e, ok := by[r.Seq]; ok { // or it was swept in between
			out = append(out, webhook.EventDelivery{Delivery: r.Delivery, Event: e})
		}
	}
	return out, nil
}

// Delivery implements webhook.Store.
func (db *DB) Delivery(ctx context.Context, of, id identity.ID) (webhook.Delivery, error) {
	var row deliveryRow
	err := db.reader(ctx).NewSelect().Model(&row).Where("wd.id = ? AND wd.webhook_id = ?", id, of).Scan(ctx)
	return row.Delivery, db.engine.normalise(err)
}

// InsertDeliveries implements webhook.Store.
func (db *DB) InsertDeliveries(ctx context.Context, deliveries ...webhook.Delivery) error {
	if len(deliveries) == 0 {
		return nil
	}
	db.changed(ctx, feed.Topic)
	rows := rowsOf(deliveries, func(d webhook.Delivery) deliveryRow { return deliveryRow{Delivery: d} })
	return db.insert(ctx, &rows)
}

// UpdateDelivery implements webhook.Store.
func (db *DB) UpdateDelivery(ctx context.Context, d webhook.Delivery) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&deliveryRow{Delivery: d}).
		Column("status", "attempts", "next_attempt_at", "attempted_at", "duration_ms", "response_status", "response_body", "error").
		Where("wd.id = ?", d.ID))
}

// EventsSince implements webhook.Store.
func (db *DB) EventsSince(ctx context.Context, since time.Time, after int64, limit int) ([]feed.Event, error) {
	db.unhurried(ctx)
	var rows []feedRow
	err := db.writer(ctx).NewSelect().Model(&rows).Column("seq", "type", "at").
		Where("fe.seq > ? AND fe.at >= ?", after, since).Order("fe.seq").Limit(int64(limit)).Scan(ctx)
	return rowsOf(rows, func(r feedRow) feed.Event { return r.Event }), db.engine.normalise(err)
}

// DueWebhooks implements webhook.Store.
func (db *DB) DueWebhooks(ctx context.Context, now time.Time) ([]identity.ID, error) {
	var ids []identity.ID
	err := db.reader(ctx).NewSelect().Model((*webhookRow)(nil)).Column("id").
		Where("wh.status = ? AND (wh.leased_until IS NULL OR wh.leased_until <= ?)", webhook.Enabled, now).
		Where("EXISTS (SELECT 1 FROM webhook_deliveries AS wd WHERE wd.webhook_id = wh.id AND wd.status = 'pending' AND wd.next_attempt_at <= ?)", now).
		Scan(ctx, &ids)
	return ids, db.engine.normalise(err)
}

// LeaseWebhook implements webhook.Store.
func (db *DB) LeaseWebhook(ctx context.Context, id, replica identity.ID, now, until time.Time) (bool, error) {
	n, err := db.exec(ctx, db.writer(ctx).NewUpdate().Model((*webhookRow)(nil)).Set("leased_by = ?", replica).Set("leased_until = ?", until).
		Where("wh.id = ? AND wh.status = ? AND (wh.leased_by IS NULL OR wh.leased_by = ? OR wh.leased_until <= ?)", id, webhook.Enabled, replica, now))
	return n == 1, err
}

// ReleaseWebhook implements webhook.Store.
func (db *DB) ReleaseWebhook(ctx context.Context, id, replica identity.ID) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*webhookRow)(nil)).Set("leased_by = NULL").Set("leased_until = NULL").
		Where("wh.id = ? AND wh.leased_by = ?", id, replica))
}

// DueDeliveries implements webhook.Store.
func (db *DB) DueDeliveries(ctx context.Context, id identity.ID, now time.Time, limit int) ([]webhook.EventDelivery, error) {
	var rows []deliveryRow
	err := db.reader(ctx).NewSelect().Model(&rows).Where("wd.webhook_id = ? AND wd.status = 'pending' AND wd.next_attempt_at <= ?", id, now).
		Order("wd.next_attempt_at", "wd.seq").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, db.engine.normalise(err)
	}
	return db.withEvents(ctx, rows)
}

// OperatorAddresses implements webhook.Store.
func (db *DB) OperatorAddresses(ctx context.Context) ([]string, error) {
	var out []string
	err := db.reader(ctx).NewSelect().Model((*userRow)(nil)).Column("primary_email").
		Where("u.operator AND u.status = 'active' AND u.primary_email IS NOT NULL").Order("u.id").Scan(ctx, &out)
	return out, db.engine.normalise(err)
}

// deliver leaves the deliveries of new events, in the transaction that publishes them.
func (db *DB) deliver(ctx context.Context, events []feed.Event, now time.Time) error {
	var hooks []webhookRow
	if err := db.writer(ctx).NewSelect().Model(&hooks).Column("id", "types").Where("wh.status = ?", webhook.Enabled).Scan(ctx); err != nil {
		return db.engine.normalise(err)
	}
	var out []webhook.Delivery
	for _, h := range hooks {
		for _, e := range events {
			if h.Wants(e) {
				out = append(out, webhook.NewDelivery(h.ID, e.Seq, now))
			}
		}
	}
	return db.InsertDeliveries(ctx, out...)
}
