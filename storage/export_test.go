package storage

import (
	"context"
	"time"
)

// Setting is a run-time parameter where the context's statements run.
func (db *DB) Setting(ctx context.Context, name string) (value string, err error) {
	err = db.reader(ctx).NewRaw("SELECT current_setting(?)", name).Scan(ctx, &value)
	return value, err
}

// Opened is how many connections the pool has opened.
func (db *DB) Opened() int64 { return db.pool.Stat().NewConnsCount() }

// WithTxTimeout is InTx that is broken off earlier.
func WithTxTimeout(db *DB, d time.Duration, fn func(ctx context.Context) error) error {
	return db.inTx(context.Background(), d, fn)
}
