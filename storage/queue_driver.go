package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// queueConnector is the database that bun asks inside a transaction on PostgreSQL:
// each statement goes through the queue of its context's transaction. Its
// connections are nothing of themselves.
type queueConnector struct{}

// Connect implements driver.Connector.
func (queueConnector) Connect(context.Context) (driver.Conn, error) { return queueConn{}, nil }

// Driver implements driver.Connector.
func (queueConnector) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

type queueConn struct{}

var errQueueConn = errors.New("storage: only for the text of bun's statements, inside a transaction")

func (queueConn) Prepare(string) (driver.Stmt, error) { return nil, errQueueConn }
func (queueConn) Begin() (driver.Tx, error)           { return nil, errQueueConn }
func (queueConn) Close() error                        { return nil }

// QueryContext implements driver.QueryerContext.
func (queueConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	q, err := queueOf(ctx, args)
	if err != nil {
		return nil, err
	}
	if len(q.ahead) > 0 {
		return q.answered(query)
	}
	rows := &queueRows{}
	q.add(statement{text: query, result: func(r *pgconn.ResultReader) error {
		return rows.read(q.conn.Conn().TypeMap(), r)
	}})
	if err := q.send(ctx); err != nil {
		return nil, err
	}
	return rows, nil
}

// ExecContext implements driver.ExecerContext.
func (queueConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	q, err := queueOf(ctx, args)
	if err != nil {
		return nil, err
	}
	var touched driver.RowsAffected
	q.add(statement{text: query, result: func(r *pgconn.ResultReader) error {
		tag, err := r.Close()
		touched = driver.RowsAffected(tag.RowsAffected())
		return err
	}})
	err = q.send(ctx)
	return touched, err
}

func queueOf(ctx context.Context, args []driver.NamedValue) (*queue, error) {
	tx := inTx(ctx)
	switch {
	case tx == nil || len(args) > 0:
		return nil, errQueueConn
	case tx.over:
		return nil, sql.ErrTxDone
	}
	return tx.queue, nil
}

// queueRows is a result that was read whole: the connection is free for the next
// statement.
type queueRows struct {
	columns []string
	rows    [][]driver.Value
}

func (q *queueRows) read(types *pgtype.Map, r *pgconn.ResultReader) error {
	var decode []func([]byte) (driver.Value, error)
	for _, f := range r.FieldDescriptions() {
		q.columns = append(q.columns, f.Name)
		decode = append(decode, decoderOf(types, f))
	}
	for r.NextRow() {
		row := make([]driver.Value, len(decode))
		for i, raw := range r.Values() {
			if raw == nil {
				continue
			}
			var err error
			if row[i], err = decode[i](raw); err != nil {
				return err
			}
		}
		q.rows = append(q.rows, row)
	}
	return nil
}

// decoderOf returns how a column becomes a value of database/sql, as pgx's own
// driver has it.
func decoderOf(types *pgtype.Map, f pgconn.FieldDescription) func([]byte) (driver.Value, error) {
	switch f.DataTypeOID {
	case pgtype.BoolOID:
		return decoder(types, f, func(v bool) (driver.Value, error) { return v, nil })
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID:
		return decoder(types, f, func(v int64) (driver.Value, error) { return v, nil })
	case pgtype.Float4OID, pgtype.Float8OID:
		return decoder(types, f, func(v float64) (driver.Value, error) { return v, nil })
	case pgtype.ByteaOID, pgtype.JSONOID, pgtype.JSONBOID:
		return decoder(types, f, func(v []byte) (driver.Value, error) { return v, nil })
	case pgtype.TimestamptzOID:
		return decoder(types, f, func(v pgtype.Timestamptz) (driver.Value, error) { return v.Value() })
	case pgtype.TimestampOID:
		return decoder(types, f, func(v pgtype.Timestamp) (driver.Value, error) { return v.Value() })
	default:
		return decoder(types, f, func(v string) (driver.Value, error) { return v, nil })
	}
}

func decoder[T any](types *pgtype.Map, f pgconn.FieldDescription, value func(T) (driver.Value, error)) func([]byte) (driver.Value, error) {
	var into T
	plan := types.PlanScan(f.DataTypeOID, f.Format, &into)
	return func(raw []byte) (driver.Value, error) {
		var into T
		if err := plan.Scan(raw, &into); err != nil {
			return nil, err
		}
		return value(into)
	}
}

// Columns implements driver.Rows.
func (q *queueRows) Columns() []string { return q.columns }

// Close implements driver.Rows.
func (q *queueRows) Close() error { return nil }

// Next implements driver.Rows.
func (q *queueRows) Next(dest []driver.Value) error {
	if len(q.rows) == 0 {
		return io.EOF
	}
	copy(dest, q.rows[0])
	q.rows = q.rows[1:]
	return nil
}
