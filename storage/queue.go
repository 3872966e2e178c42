package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// queue is a transaction on PostgreSQL: the statements that wait to be sent, BEGIN
// in front of the first. What asks for rows sends all that wait and itself, in one
// round trip, and so does the commit.
//
// The server runs what comes in one round trip in its order, each statement seeing
// what the others did, and skips the rest after the first that fails, the COMMIT
// too. So nothing has to be asked of a statement that either fails or has done what
// was wanted. Where its result decides, see [statement.decides], the COMMIT waits
// for another round trip.
//
// It serves one goroutine at a time.
type queue struct {
	conn    *pgxpool.Conn
	hot     *hotStatements
	traced  bool
	waiting []statement
	first   int      // how many of those that wait open the transaction
	sent    bool     // something was sent: there is a transaction
	failed  error    // the first failure; nothing is sent any more
	ahead   []answer // to statements that [DB.together] has asked and bun runs next
}

// statement waits in a queue.
type statement struct {
	text string // as bun wrote it, its values included; or
	hot  *hotStatement
	args []any // see engine.argument

	// result reads what the server returned. Its error fails the transaction. Nil
	// if nothing depends on it.
	result func(*pgconn.ResultReader) error
	// decides says that result may refuse what the statement did.
	decides bool
}

// begin names what transactions are written for: they lock what they decide by, and
// read it as it is then. A server may have another default.
const begin = "BEGIN ISOLATION LEVEL READ COMMITTED"

func newQueue(conn *pgxpool.Conn, hot *hotStatements, traced bool, opening []string) *queue {
	q := &queue{conn: conn, hot: hot, traced: traced}
	q.add(statement{text: begin})
	for _, text := range opening {
		q.add(statement{text: text})
	}
	q.first = len(q.waiting)
	return q
}

func (q *queue) add(s statement) { q.waiting = append(q.waiting, s) }

// send sends what waits. After a failure it returns that one again.
func (q *queue) send(ctx context.Context) error {
	if q.failed == nil {
		q.failed = q.exchange(ctx)
	}
	return q.failed
}

func (q *queue) exchange(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	statements := q.waiting
	q.waiting = nil
	prepared := preparedOn(q.conn.Conn(), q.hot)
	if err := prepared.prepare(ctx, statements); err != nil {
		return err
	}
	var batch pgconn.Batch
	for _, s := range statements {
		if err := prepared.write(&batch, s); err != nil {
			return err
		}
	}
	q.sent = true
	seen := q.trace(ctx)
	results := q.conn.Conn().PgConn().ExecBatch(ctx, &batch)
	var refused error
	done := 0
	for _, s := range statements {
		if !results.NextResult() {
			break
		}
		r := results.ResultReader()
		if s.result != nil && refused == nil {
			refused = s.result(r)
		}
		_, err := r.Close() // results has the error, too
		seen.statement(s, err)
		done++
	}
	err := results.Close()
	if err != nil && done < len(statements) {
		seen.statement(statements[done], err)
	}
	if refused != nil {
		return refused // of an earlier statement than the one that failed
	}
	prepared.failed(err)
	return err
}

// commit sends what waits with COMMIT behind. Without an error the transaction has
// committed; with one that is not the server's, it is unknown whether it has.
func (q *queue) commit(ctx context.Context) error {
	if q.failed != nil {
		return q.failed
	}
	if !q.sent && len(q.waiting) == q.first { // it asked for nothing
		return ctx.Err()
	}
	for _, s := range q.waiting {
		if s.decides {
			if err := q.send(ctx); err != nil {
				return err
			}
			break
		}
	}
	q.add(statement{text: "COMMIT", result: func(r *pgconn.ResultReader) error {
		tag, err := r.Close()
		if err == nil && tag.String() != "COMMIT" {
			err = fmt.Errorf("the transaction ended by %s", tag)
		}
		return err
	}})
	return q.send(ctx)
}

// rollbackTimeout bounds a rollback. Without an answer the connection is closed,
// which rolls back too.
const rollbackTimeout = time.Second

// end gives the connection back, after a rollback unless the transaction is over.
func (q *queue) end() {
	defer q.conn.Release() // which closes one that is in a transaction still
	pg := q.conn.Conn().PgConn()
	if !q.sent || pg.IsClosed() || pg.TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
	defer cancel()
	_ = pg.Exec(ctx, "ROLLBACK").Close()
}

// read sends what waits, and the reads behind.
func (q *queue) read(ctx context.Context, reads ...*hotRead) error {
	var failed error // to scan a row, which leaves the transaction as it is
	for _, read := range reads {
		q.add(statement{hot: read.statement, args: read.args, result: func(r *pgconn.ResultReader) error {
			rows := pgx.RowsFromResultReader(q.conn.Conn().TypeMap(), r)
			defer rows.Close()
			if err := read.scan(rows); failed == nil {
				failed = err
			}
			return nil
		}})
	}
	if err := q.send(ctx); err != nil {
		return err
	}
	return failed
}

// touch queues a hot statement that must touch one row; otherwise the transaction
// fails with an error.
func (q *queue) touch(s *hotStatement, args []any, otherwise error) {
	q.add(statement{hot: s, args: args, decides: true, result: func(r *pgconn.ResultReader) error {
		tag, err := r.Close()
		if err == nil && tag.RowsAffected() != 1 {
			err = otherwise
		}
		return err
	}})
}

// prepared are the hot statements that were prepared on a connection.
type prepared struct {
	conn *pgx.Conn
	hot  *hotStatements
	by   map[*hotStatement]*preparedStatement
	// arguments encodes parameters, again and again in the same memory.
	arguments pgx.ExtendedQueryBuilder
}

type preparedStatement struct {
	description *pgconn.StatementDescription
	formats     []int16 // of the columns
}

const preparedKey = "latchkey prepared"

func preparedOn(conn *pgx.Conn, hot *hotStatements) *prepared {
	kept := conn.PgConn().CustomData()
	p, ok := kept[preparedKey].(*prepared)
	if !ok {
		p = &prepared{conn: conn, hot: hot, by: map[*hotStatement]*preparedStatement{}}
		kept[preparedKey] = p
	}
	return p
}

// prepare prepares those of the statements that are not, in one round trip.
func (p *prepared) prepare(ctx context.Context, statements []statement) error {
	if p.hot.unprepared.Load() {
		return nil
	}
	var missing []*hotStatement
	for _, s := range statements {
		if s.hot != nil && p.by[s.hot] == nil && !slices.Contains(missing, s.hot) {
			missing = append(missing, s.hot)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	pipeline := p.conn.PgConn().StartPipeline(ctx)
	for _, h := range missing {
		pipeline.SendPrepare(h.name, h.sql, nil)
	}
	err := pipeline.Sync()
	for i := 0; err == nil && i < len(missing); i++ {
		var result any
		if result, err = pipeline.GetResults(); err == nil {
			p.keep(missing[i], result.(*pgconn.StatementDescription)) //nolint:forcetypeassert // the answer to SendPrepare
		}
	}
	if closing := pipeline.Close(); err == nil {
		err = closing
	}
	p.failed(err)
	return err
}

func (p *prepared) keep(h *hotStatement, d *pgconn.StatementDescription) {
	formats := make([]int16, len(d.Fields))
	for i, f := range d.Fields {
		formats[i] = p.conn.TypeMap().FormatCodeForOID(f.DataTypeOID)
	}
	p.by[h] = &preparedStatement{
		description: &pgconn.StatementDescription{Name: h.name, SQL: h.sql, ParamOIDs: d.ParamOIDs, Fields: d.Fields},
		formats:     formats,
	}
}

// write puts a statement into a batch: by name if it is prepared, else with its
// text. Text of bun's has no parameters.
func (p *prepared) write(batch *pgconn.Batch, s statement) error {
	if s.hot == nil {
		batch.ExecParams(s.text, nil, nil, nil, nil)
		return nil
	}
	known := p.by[s.hot]
	if known == nil || p.hot.unprepared.Load() {
		if err := p.arguments.Build(p.conn.TypeMap(), nil, s.args); err != nil {
			return err
		}
		batch.ExecParams(s.hot.sql, p.arguments.ParamValues, nil, p.arguments.ParamFormats, nil)
		return nil
	}
	if err := p.arguments.Build(p.conn.TypeMap(), known.description, s.args); err != nil {
		return err
	}
	batch.ExecStatement(known.description, p.arguments.ParamValues, p.arguments.ParamFormats, known.formats)
	return nil
}

// failed looks at why statements failed. A pooler may lead each transaction to
// another server process, where the statement was not prepared (26000), or by
// somebody else (42P05): nothing is prepared any more from then on. What a prepared
// statement returns may have changed (0A000): the connection is not used again. The
// transaction runs again either way.
func (p *prepared) failed(err error) {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return
	}
	switch {
	case isUnprepared(pg):
		p.hot.unprepared.Store(true)
	case isStale(pg):
		ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
		defer cancel()
		_ = p.conn.Close(ctx)
	}
}

func isUnprepared(err *pgconn.PgError) bool { return err.Code == "42P05" || err.Code == "26000" }

// isStale reports whether a prepared statement was about columns that are others now.
func isStale(err *pgconn.PgError) bool {
	return err.Code == "0A000" && err.Routine == "RevalidateCachedQuery"
}
