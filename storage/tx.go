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

// txTimeout bounds a transaction with all its attempts: what takes longer waits
// for somebody who is stuck, and gets a 503. It is shorter than the server's
// statement_timeout: a commit that a synchronous standby does not confirm must
// not end as if it had.
const txTimeout = 15 * time.Second

// sqliteTxTimeout is longer: SQLite has one writer, and waiting for a turn on a
// busy machine is not being stuck.
const sqliteTxTimeout = 2 * time.Minute

// unhurriedTimeout is txTimeout for what unhurried lets.
const unhurriedTimeout = 5 * time.Minute

var errTooLong = errors.New("the transaction took too long and was cancelled")

// callTimeout bounds a change outside of a transaction.
const callTimeout = 10 * time.Second

// gate keeps a quarter of the connections for what is no transaction, so that
// those who wait for a lock leave some to session checks.
type gate chan struct{}

func newGate(conns int) gate { return make(gate, max(1, conns*3/4)) }

func (g gate) enter(ctx context.Context) error {
	if g == nil {
		return nil
	}
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g gate) leave() {
	if g != nil {
		<-g
	}
}

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
	ctx, span := db.startSpan(ctx, "transaction")
	defer span.End()
	if db.engine == sqlite {
		return db.inTx(ctx, sqliteTxTimeout, fn)
	}
	return db.inTx(ctx, txTimeout, fn)
}

func (db *DB) inTx(ctx context.Context, timeout time.Duration, fn func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	deadline := time.AfterFunc(timeout, func() { cancel(errTooLong) })
	defer deadline.Stop()
	if db.patient {
		deadline.Stop()
	}
	err := db.attempts(ctx, deadline, fn)
	if err != nil && errors.Is(context.Cause(ctx), errTooLong) {
		// The running call was cancelled; of a commit it is unknown whether it happened.
		err = &ErrUnavailable{fmt.Errorf("%w: %w", errTooLong, err)}
	}
	db.outages.count(err)
	return err
}

func (db *DB) attempts(ctx context.Context, deadline *time.Timer, fn func(ctx context.Context) error) error {
	var err error
	for attempt := range maxAttempts {
		if attempt > 0 {
			if waitErr := backoff(ctx, attempt); waitErr != nil {
				return &ErrUnavailable{fmt.Errorf("gave up after %d attempts: %w", attempt, err)}
			}
		}
		if err = db.attempt(ctx, deadline, fn); err == nil || !retryable(err) {
			return err
		}
	}
	return &ErrUnavailable{fmt.Errorf("gave up after %d attempts: %w", maxAttempts, err)}
}

func (db *DB) attempt(ctx context.Context, deadline *time.Timer, fn func(ctx context.Context) error) (err error) {
	if err := db.gate.enter(ctx); err != nil {
		return db.engine.normalise(err)
	}
	defer db.gate.leave()
	tx, err := db.begin(ctx)
	if err != nil {
		return db.engine.normalise(err)
	}
	tx.deadline = deadline
	defer func() {
		tx.over = true
		db.publishLocally(tx)
		tx.end() // also after a panic in fn: the connection would never come back
	}()
	inside := context.WithValue(ctx, txKey{}, tx)
	if err = fn(inside); err == nil {
		db.notify(tx)
		err = db.engine.normalise(tx.commit(ctx))
	}
	if tx.queue != nil && tx.queue.failed != nil {
		return db.engine.normalise(tx.queue.failed) // whatever fn made of what came after
	}
	if err != nil {
		return err
	}
	for _, f := range tx.after {
		f()
	}
	return nil
}

// AfterCommit runs f once the transaction of the context has committed; f is
// forgotten if it does not. It panics without a transaction.
func (db *DB) AfterCommit(ctx context.Context, f func()) {
	tx := mustTx(ctx)
	tx.after = append(tx.after, f)
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

// transaction is one on either engine.
type transaction struct {
	// bun builds statements that run in the transaction.
	bun   bun.IDB
	queue *queue // PostgreSQL only
	lite  bun.Tx // SQLite only; there it is bun, too

	over    bool
	changed []identity.ID // see DB.changed
	after   []func()      // run once it has committed

	changedAll bool // see DB.changedAll

	deadline *time.Timer
}

func (db *DB) begin(ctx context.Context) (*transaction, error) {
	if db.engine == sqlite {
		begun, err := db.write.BeginTx(ctx, nil)
		return &transaction{bun: begun, lite: begun}, err
	}
	conn, err := connect(ctx, db.server, db.pool.Acquire)
	if err != nil {
		return nil, err
	}
	return &transaction{bun: db.queued, queue: newQueue(conn, db.hot, db.traced, db.server.setGuards())}, nil
}

func (tx *transaction) commit(ctx context.Context) error {
	if tx.queue != nil {
		return tx.queue.commit(ctx)
	}
	return tx.lite.Commit()
}

// end gives the connection back, and rolls back what has not committed.
func (tx *transaction) end() {
	if tx.queue != nil {
		tx.queue.end()
		return
	}
	_ = tx.lite.Rollback() // the error that led here says more than a failed rollback
}

// unhurried lets the transaction of the context take minutes: an operator asked
// for something of any number of rows.
func (db *DB) unhurried(ctx context.Context) {
	tx := mustTx(ctx)
	if db.patient || !tx.deadline.Reset(unhurriedTimeout) {
		return
	}
	if tx.queue != nil {
		tx.queue.add(statement{text: fmt.Sprintf("SET LOCAL statement_timeout = %d", (2 * unhurriedTimeout).Milliseconds())})
	}
}

func inTx(ctx context.Context) *transaction {
	tx, _ := ctx.Value(txKey{}).(*transaction)
	return tx
}

// mustTx returns the transaction of the context. A change outside of one would be a
// change without its audit event: a mistake of the caller, so it panics.
func mustTx(ctx context.Context) *transaction {
	if tx := inTx(ctx); tx != nil {
		return tx
	}
	panic("storage: change outside a transaction: call it in DB.InTx, with the context that InTx passes on")
}

// reader is the transaction of the context, or the pool.
func (db *DB) reader(ctx context.Context) bun.IDB {
	if tx := inTx(ctx); tx != nil {
		return tx.bun
	}
	return db.read
}

// writer is the transaction of the context, see mustTx.
func (db *DB) writer(ctx context.Context) bun.IDB { return mustTx(ctx).bun }

// exec runs a change and returns how many rows it touched. Where nothing depends
// on that, see execDeferred.
func (db *DB) exec(ctx context.Context, q interface {
	Exec(ctx context.Context, dest ...any) (sql.Result, error)
}) (int64, error) {
	if inTx(ctx) == nil && !db.patient {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, callTimeout)
		defer cancel()
	}
	res, err := q.Exec(ctx)
	if err != nil {
		if inTx(ctx) == nil { // or InTx counts it
			db.outages.count(err)
		}
		return 0, db.engine.normalise(err)
	}
	n, err := res.RowsAffected()
	return n, db.engine.normalise(err)
}

// insert inserts one row or a slice of rows.
func (db *DB) insert(ctx context.Context, model any) error {
	return db.execDeferred(ctx, db.writer(ctx).NewInsert().Model(model))
}

// execDeferred runs a change whose outcome nothing in the transaction depends on. On
// PostgreSQL it is sent with what comes next, at the latest with the commit; should
// it fail, so does InTx.
func (db *DB) execDeferred(ctx context.Context, q interface {
	Exec(ctx context.Context, dest ...any) (sql.Result, error)
	AppendQuery(gen schema.QueryGen, b []byte) ([]byte, error)
}) error {
	tx := inTx(ctx)
	if tx == nil || tx.queue == nil {
		_, err := db.exec(ctx, q)
		return err
	}
	if tx.over {
		return sql.ErrTxDone // it would wait for ever
	}
	text, err := q.AppendQuery(db.queued.QueryGen(), nil)
	if err != nil {
		return err
	}
	tx.queue.add(statement{text: string(text)})
	return nil
}
