package storage

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"
	moderncsqlite "modernc.org/sqlite"

	"github.com/latchkey/latchkey/internal/tracing"
)

// Statements are seen where they are sent. On PostgreSQL those of a transaction go
// together, so that what bun sees of them, and a driver, is not what the server runs; and
// bun's own tracing keeps the values in them.

// startSpan begins a part of the request of ctx, if it is traced.
func (db *DB) startSpan(ctx context.Context, name string) (context.Context, tracing.Span) {
	if !db.traced {
		return ctx, tracing.Span{}
	}
	return tracing.Start(ctx, name)
}

// observe runs a hot statement.
func (db *DB) observe(ctx context.Context, s *hotStatement, run func() error) error {
	if !db.traced {
		return run()
	}
	began := time.Now()
	err := run()
	db.observed(ctx, s.sql, began, err)
	return err
}

// observed adds a statement that has ended to the trace of ctx.
func (db *DB) observed(ctx context.Context, text string, began time.Time, err error) {
	if db.traced && tracing.Recording(ctx) {
		db.engine.statement(text, began, time.Now(), err).Record(ctx)
	}
}

func (e engine) statement(text string, began, end time.Time, err error) tracing.Statement {
	s := tracing.Statement{System: "postgresql", Text: text, Began: began, End: end, Failed: failure(err)}
	if e == sqlite {
		s.System = "sqlite"
	}
	return s
}

// failure names what failed, by the code of the database, "" for nothing. Its text can
// have values in it.
func failure(err error) string {
	var pg *pgconn.PgError
	var lite *moderncsqlite.Error
	switch {
	case err == nil, errors.Is(err, sql.ErrNoRows):
		return ""
	case errors.As(err, &pg):
		return pg.Code
	case errors.As(err, &lite):
		return strconv.Itoa(lite.Code())
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "other"
}

// traceQueue adds the statements of one round trip to a trace, each from when the server
// had finished the one before. The zero value adds nothing.
type traceQueue struct {
	ctx   context.Context //nolint:containedctx // of the round trip
	began time.Time
}

func (q *queue) trace(ctx context.Context) traceQueue {
	if !q.traced || !tracing.Recording(ctx) {
		return traceQueue{}
	}
	return traceQueue{ctx, time.Now()}
}

func (t *traceQueue) statement(s statement, err error) {
	if t.ctx == nil {
		return
	}
	text := s.text
	if s.hot != nil {
		text = s.hot.sql
	}
	now := time.Now()
	postgres.statement(text, t.began, now, err).Record(t.ctx)
	t.began = now
}

// trace has bun's statements outside of a queue added to traces.
func (o options) trace(e engine, db *bun.DB) *bun.DB {
	if !o.traced {
		return db
	}
	return db.WithQueryHook(traceHook{e})
}

type traceHook struct{ engine engine }

// BeforeQuery implements bun.QueryHook.
func (traceHook) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

// AfterQuery implements bun.QueryHook.
func (h traceHook) AfterQuery(ctx context.Context, e *bun.QueryEvent) {
	if tracing.Recording(ctx) {
		h.engine.statement(e.Query, e.StartTime, time.Now(), e.Err).Record(ctx)
	}
}
