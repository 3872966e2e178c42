package storage

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/tracing"
)

const (
	// checkWorkers read for all session checks of a replica. What comes while both
	// are at work goes together in the next read.
	checkWorkers = 2
	// maxChecks bounds how many go together.
	maxChecks = 64
)

// checks reads the principals of tokens, many by one statement, on PostgreSQL. A
// read starts after every check in it was asked, so it finds what had committed by
// then. It goes on when one of those who wait goes away, and its error is everyone's.
type checks struct {
	mu      sync.Mutex
	waiting []*check
	working int
}

// check is one that waits.
type check struct {
	ctx  context.Context //nolint:containedctx // of the caller: a check that was given up is not read
	hash []byte
	done chan struct{} // closed when the rest is set
	// traced has the trace of the caller, and nothing else of its context, which may be of
	// another request by the time that the read has ended; nil without a trace.
	traced context.Context //nolint:containedctx // as above

	row   principalRow
	found bool
	err   error
}

// checkToken is PrincipalByToken by a read for many.
func (db *DB) checkToken(ctx context.Context, tokenHash []byte) (session.Principal, error) {
	ctx, cancel := db.inCheckTime(ctx)
	defer cancel()
	c := &check{ctx: ctx, hash: tokenHash, done: make(chan struct{})}
	if db.traced && tracing.Recording(ctx) {
		c.traced = tracing.Detach(ctx)
	}
	db.checks.mu.Lock()
	db.checks.waiting = append(db.checks.waiting, c)
	if db.checks.working < checkWorkers {
		db.checks.working++
		go db.readChecks()
	}
	db.checks.mu.Unlock()
	select {
	case <-ctx.Done():
		return session.Principal{}, db.engine.normalise(ctx.Err())
	case <-c.done:
	}
	switch {
	case c.err != nil:
		return session.Principal{}, db.engine.normalise(c.err)
	case !c.found:
		return session.Principal{}, identity.ErrNotFound
	}
	return c.row.domain(), nil
}

// readChecks reads for those who wait until none is left.
func (db *DB) readChecks() {
	for {
		together := db.checks.next()
		if len(together) == 0 {
			return
		}
		began := time.Now()
		err := db.readTogether(together, pgx.QueryExecModeCacheStatement)
		if pg, ok := errors.AsType[*pgconn.PgError](err); ok && isUnprepared(pg) {
			db.hot.unprepared.Store(true) // see prepared.failed
			err = db.readTogether(together, pgx.QueryExecModeExec)
		}
		for _, c := range together {
			if c.traced != nil {
				db.observed(c.traced, db.hot.principals.sql, began, err)
			}
			c.err = err
			close(c.done)
		}
	}
}

// next takes those who wait, and ends the worker if there is none.
func (c *checks) next() []*check {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = slices.DeleteFunc(c.waiting, func(w *check) bool { return w.ctx.Err() != nil })
	n := min(len(c.waiting), maxChecks)
	if n == 0 {
		c.working--
		return nil
	}
	out := slices.Clone(c.waiting[:n])
	c.waiting = slices.Delete(c.waiting, 0, n)
	return out
}

// togetherRow is a principal, and which of the tokens it is of, from 1.
type togetherRow struct {
	principalRow
	of int64
}

var togetherColumns = slices.Concat(
	[]column[togetherRow]{{"n.i", func(r *togetherRow) any { return &r.of }}},
	of("p", principalColumns, func(r *togetherRow) *principalRow { return &r.principalRow }),
)

func (db *DB) readTogether(together []*check, mode pgx.QueryExecMode) error {
	ctx, cancel := db.inCheckTime(context.Background())
	defer cancel()
	hashes := make([][]byte, len(together))
	for i, c := range together {
		hashes[i], c.found = c.hash, false // whatever a read that failed had found
	}
	conn, err := connect(ctx, db.server, db.pool.Acquire)
	if err != nil {
		return err
	}
	defer conn.Release()
	rows, err := conn.Query(ctx, db.hot.principals.sql, mode, hashes)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var row togetherRow
		if err := rows.Scan(fields(togetherColumns, &row)...); err != nil {
			return err
		}
		c := together[row.of-1]
		c.row, c.found = row.principalRow, true
	}
	return rows.Err()
}
