package storage

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
)

type taskRow struct {
	bun.BaseModel `bun:"table:outbox,alias:o"`
	identity.Task
}

// EnqueueTasks writes tasks in the transaction that they depend on.
func (db *DB) EnqueueTasks(ctx context.Context, tasks ...identity.Task) error {
	if len(tasks) == 0 {
		return nil
	}
	rows := rowsOf(tasks, func(t identity.Task) taskRow { return taskRow{Task: t} })
	return db.insert(ctx, &rows)
}

// HasDueTask implements outbox.Store.
func (db *DB) HasDueTask(ctx context.Context, kinds []identity.TaskKind, now time.Time) (bool, error) {
	due, err := db.reader(ctx).NewSelect().Model((*taskRow)(nil)).
		Where("o.next_attempt_at <= ? AND o.kind IN (?)", now, bun.List(kinds)).Exists(ctx)
	return due, db.engine.normalise(err)
}

// ClaimTask implements outbox.Store.
func (db *DB) ClaimTask(ctx context.Context, kinds []identity.TaskKind, now, until time.Time) (identity.Task, error) {
	var row taskRow
	q := db.reader(ctx).NewSelect().Model(&row).
		Where("o.next_attempt_at <= ? AND o.kind IN (?)", now, bun.List(kinds)).
		Order("o.next_attempt_at", "o.id").Limit(1)
	if err := db.engine.forUpdateSkipLocked(q, "o").Scan(ctx); err != nil {
		return identity.Task{}, db.engine.normalise(err)
	}
	row.Attempts++
	row.NextAttemptAt = until
	err := db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&row).Column("attempts", "next_attempt_at").Where("o.id = ?", row.ID))
	return row.Task, err
}

// FinishTask implements outbox.Store.
func (db *DB) FinishTask(ctx context.Context, t identity.Task) error {
	return db.execDeferred(ctx, db.writer(ctx).NewDelete().Model((*taskRow)(nil)).Where("o.id = ? AND o.attempts = ?", t.ID, t.Attempts))
}

// RetryTask implements outbox.Store.
func (db *DB) RetryTask(ctx context.Context, t identity.Task, at time.Time) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*taskRow)(nil)).Set("next_attempt_at = ?", at).
		Where("o.id = ? AND o.attempts = ?", t.ID, t.Attempts))
}

// PostponeTask implements outbox.Store.
func (db *DB) PostponeTask(ctx context.Context, t identity.Task, at time.Time) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model((*taskRow)(nil)).Set("next_attempt_at = ?", at).Set("attempts = ?", t.Attempts-1).
		Where("o.id = ? AND o.attempts = ?", t.ID, t.Attempts))
}

// Tasks returns the tasks after an id, in the order of their ids.
func (db *DB) Tasks(ctx context.Context, after identity.ID, limit int) ([]identity.Task, error) {
	var rows []taskRow
	err := db.reader(ctx).NewSelect().Model(&rows).Where("o.id > ?", after).Order("o.id").Limit(int64(limit)).Scan(ctx)
	return rowsOf(rows, func(r taskRow) identity.Task { return r.Task }), db.engine.normalise(err)
}

// ResealTask replaces the sealed payload of a task.
func (db *DB) ResealTask(ctx context.Context, t identity.Task) error {
	return db.execDeferred(ctx, db.writer(ctx).NewUpdate().Model(&taskRow{Task: t}).Column("payload").Where("o.id = ?", t.ID))
}
