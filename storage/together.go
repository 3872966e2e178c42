package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun/schema"
)

// question is a statement of bun's that returns rows, and where they go; nil for its
// model. Without a row that stays as it is.
type question struct {
	query interface {
		AppendQuery(gen schema.QueryGen, b []byte) ([]byte, error)
		Scan(ctx context.Context, dest ...any) error
	}
	into any
}

func (q question) scan(ctx context.Context) error {
	if q.into == nil {
		return q.query.Scan(ctx)
	}
	return q.query.Scan(ctx, q.into)
}

// together asks several questions in the transaction of the context, in their order,
// none of which needs the answer to another. On PostgreSQL that is one round trip.
func (db *DB) together(ctx context.Context, questions ...question) error {
	tx := mustTx(ctx)
	if tx.over {
		return sql.ErrTxDone
	}
	if tx.queue != nil {
		defer func() { tx.queue.ahead = nil }()
		for _, q := range questions {
			text, err := q.query.AppendQuery(db.queued.QueryGen(), nil)
			if err != nil {
				return err
			}
			tx.queue.ask(string(text))
		}
		if err := tx.queue.send(ctx); err != nil {
			return db.engine.normalise(err)
		}
	}
	for _, q := range questions {
		if err := q.scan(ctx); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return db.engine.normalise(err)
		}
	}
	return nil
}

// answer is what the server returned to a statement that bun has yet to run.
type answer struct {
	text string
	rows *queueRows
}

// ask queues a statement that bun runs after the next sending.
func (q *queue) ask(text string) {
	rows := &queueRows{}
	q.ahead = append(q.ahead, answer{text, rows})
	q.add(statement{text: text, result: func(r *pgconn.ResultReader) error {
		return rows.read(q.conn.Conn().TypeMap(), r)
	}})
}

var errOutOfTurn = errors.New("storage: not the statement that was asked before")

// answered returns the rows of the statement whose turn it is. Another one would run
// what was asked twice.
func (q *queue) answered(text string) (driver.Rows, error) {
	next := q.ahead[0]
	q.ahead = q.ahead[1:]
	if next.text != text {
		q.failed = errOutOfTurn
		return nil, q.failed
	}
	return next.rows, nil
}
