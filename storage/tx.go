package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
)

// maxAttempts bounds how often a transaction that lost a race runs again. Each
// round of a race has a winner, so contenders thin out quickly.
const maxAttempts = 12

type txKey struct{}

// InTx runs fn in one transaction, which the store's methods find in its
// context. An error rolls everything back. Serialisation failures, deadlocks,
// a busy SQLite and lost unique races run fn again, a bounded number of times:
// fn must have no effect but through the store. Nested calls join the outer
// transaction.
func (db *DB) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	if inTx(ctx) != nil {
		return fn(ctx)
	}
	var err error
	for attempt := range maxAttempts {
		if attempt > 0 {
			if waitErr := backoff(ctx, attempt); waitErr != nil {
				return err
			}
		}
		if err = db.once(ctx, fn); err == nil || !retryable(err) {
			return err
		}
	}
	return &ErrUnavailable{fmt.Errorf("gave up after %d attempts: %w", maxAttempts, err)}
}

func (db *DB) once(ctx context.Context, fn func(ctx context.Context) error) (err error) {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return db.engine.normalise(err)
	}
	done := false
	defer func() {
		if !done {
			// An error, or a panic in fn: without this the connection would never
			// come back. The error that led here says more than a failed rollback.
			_ = tx.Rollback()
		}
	}()
	if err = fn(context.WithValue(ctx, txKey{}, &tx)); err != nil {
		return err
	}
	done = true
	return db.engine.normalise(tx.Commit())
}

func retryable(err error) bool {
	var retry *retryError
	var conflict *ErrConflict
	return errors.As(err, &retry) || errors.As(err, &conflict) || errors.Is(err, identity.ErrRaced)
}

func backoff(ctx context.Context, attempt int) error {
	t := time.NewTimer(time.Duration(rand.Int64N(int64(time.Millisecond) << min(attempt, 7)))) //nolint:gosec // jitter needs no secrecy
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func inTx(ctx context.Context) *bun.Tx {
	tx, _ := ctx.Value(txKey{}).(*bun.Tx)
	return tx
}

// reader is the transaction of the context, or the pool.
func (db *DB) reader(ctx context.Context) bun.IDB {
	if tx := inTx(ctx); tx != nil {
		return tx
	}
	return db.read
}

// writer is the transaction of the context. A change outside of one would be a
// change without its audit event.
func (db *DB) writer(ctx context.Context) bun.IDB {
	if tx := inTx(ctx); tx != nil {
		return tx
	}
	panic("storage: change outside a transaction")
}

// exec runs a change and tells how many rows it touched.
func (db *DB) exec(ctx context.Context, q interface {
	Exec(ctx context.Context, dest ...any) (sql.Result, error)
}) (int64, error) {
	res, err := q.Exec(ctx)
	if err != nil {
		return 0, db.engine.normalise(err)
	}
	n, err := res.RowsAffected()
	return n, db.engine.normalise(err)
}

// insert inserts one row or a slice of rows.
func (db *DB) insert(ctx context.Context, model any) error {
	_, err := db.exec(ctx, db.writer(ctx).NewInsert().Model(model))
	return err
}
