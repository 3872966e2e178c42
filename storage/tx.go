package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

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
	begun, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return db.engine.normalise(err)
	}
	tx := &transaction{Tx: begun}
	done := false
	defer func() {
		tx.over = true
		db.tell(tx)
		if !done {
			// An error, or a panic in fn: without this the connection would never
			// come back. The error that led here says more than a failed rollback.
			_ = tx.Rollback()
		}
	}()
	inside := context.WithValue(ctx, txKey{}, tx)
	if err = fn(inside); err == nil {
		err = db.chain(inside, tx)
	}
	if err == nil {
		db.notify(tx)
		tx.flush(ctx)
	}
	if tx.failed != nil {
		return db.engine.normalise(tx.failed) // whatever fn made of what came after
	}
	if err != nil {
		return err
	}
	done = true
	if err := tx.Commit(); err != nil {
		return db.engine.normalise(err)
	}
	for _, f := range tx.after {
		f()
	}
	return nil
}

// AfterCommit runs f once the transaction of the context has committed; f is
// forgotten if it does not.
func (db *DB) AfterCommit(ctx context.Context, f func()) {
	if tx := inTx(ctx); tx != nil {
		tx.after = append(tx.after, f)
	}
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

// transaction is bun's with the changes that wait for the next statement.
type transaction struct {
	bun.Tx
	waiting []byte           // statements of SQL
	events  []identity.Event // of teams, to be chained at the end
	failed  error            // the first failure of one that waited
	over    bool
	changed []identity.ID // see DB.changed
	after   []func()      // run once it has committed
}

// flush sends what waits, in one round trip: in the simple protocol several
// statements are one message.
func (tx *transaction) flush(ctx context.Context) {
	if len(tx.waiting) == 0 || tx.failed != nil {
		return
	}
	_, tx.failed = tx.Tx.Tx.ExecContext(ctx, string(tx.waiting))
	tx.waiting = tx.waiting[:0]
}

func (tx *transaction) flushed(ctx context.Context) *bun.Tx {
	tx.flush(ctx)
	return &tx.Tx
}

func inTx(ctx context.Context) *transaction {
	tx, _ := ctx.Value(txKey{}).(*transaction)
	return tx
}

// reader is the transaction of the context, or the pool.
func (db *DB) reader(ctx context.Context) bun.IDB {
	if tx := inTx(ctx); tx != nil {
		return tx.flushed(ctx)
	}
	return db.read
}

// writer is the transaction of the context. A change outside of one would be a
// change without its audit event.
func (db *DB) writer(ctx context.Context) bun.IDB {
	if tx := inTx(ctx); tx != nil {
		return tx.flushed(ctx)
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

// builder is writer for a query that goes to later: it sends nothing yet.
func (db *DB) builder(ctx context.Context) bun.IDB {
	if tx := inTx(ctx); tx != nil {
		return &tx.Tx
	}
	panic("storage: change outside a transaction")
}

// later is exec for a change whose outcome nothing in the transaction depends
// on. On PostgreSQL it is sent along with what comes next, at the latest before
// the commit; should it fail, so does InTx.
func (db *DB) later(ctx context.Context, q interface {
	Exec(ctx context.Context, dest ...any) (sql.Result, error)
	AppendQuery(gen schema.QueryGen, b []byte) ([]byte, error)
}) error {
	tx := inTx(ctx)
	if db.engine == sqlite || tx == nil {
		_, err := db.exec(ctx, q)
		return err
	}
	if tx.over {
		return sql.ErrTxDone // it would wait for ever
	}
	written, err := q.AppendQuery(db.write.QueryGen(), tx.waiting)
	if err != nil {
		return err
	}
	tx.waiting = written
	tx.waiting = append(tx.waiting, ";\n"...)
	return nil
}
