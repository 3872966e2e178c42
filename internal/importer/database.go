package importer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// database is a source in a database of its own, read in one transaction that
// cannot write: the whole import sees one moment.
type database struct {
	db       *sql.DB
	tx       *sql.Tx
	postgres bool
}

func openDatabase(ctx context.Context, source string) (*database, error) {
	d := &database{}
	scheme, path, _ := strings.Cut(source, "://")
	switch scheme {
	case "postgres", "postgresql":
		config, err := pgx.ParseConfig(source)
		if err != nil {
			return nil, fmt.Errorf("--source: %w", err) // pgx leaves the password out
		}
		// Values go as text that takes the type of its column: ids are uuid in
		// one system, integer in the next.
		config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
		config.RuntimeParams["default_transaction_read_only"] = "on"
		config.RuntimeParams["timezone"] = "UTC"
		d.db, d.postgres = stdlib.OpenDB(*config), true
	case "sqlite":
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("--source: %w", err)
		}
		q := url.Values{"mode": {"ro"}, "_pragma": {"query_only(1)", "busy_timeout(10000)"}}
		db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
		if err != nil {
			return nil, fmt.Errorf("--source: %w", err)
		}
		d.db = db
	default:
		return nil, errors.New("--source: want postgres://... or sqlite://path")
	}
	options := &sql.TxOptions{ReadOnly: true}
	if d.postgres {
		options.Isolation = sql.LevelRepeatableRead
	}
	tx, err := d.db.BeginTx(ctx, options)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("--source: %w", err), d.db.Close())
	}
	d.tx = tx
	return d, nil
}

// Close ends the reading.
func (d *database) Close() error {
	_ = d.tx.Rollback() // there is nothing to keep
	return d.db.Close()
}

// param is the n-th placeholder, from 1.
func (d *database) param(n int) string {
	if d.postgres {
		return fmt.Sprintf("$%d", n)
	}
	return fmt.Sprintf("?%d", n)
}

// table is a table of the source with the columns that are wanted of it.
type table struct {
	name    string // quoted
	columns map[string]string
	fields  []field
}

// field is a column by the names that versions and adapters give it, compared
// without case and underscores.
type field struct {
	name     string
	columns  []string
	optional bool
}

func need(name string, columns ...string) field { return field{name: name, columns: columns} }

func maybe(name string, columns ...string) field {
	return field{name: name, columns: columns, optional: true}
}

func flat(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

var errNoTable = errors.New("no such table")

// find finds a table by the first of its names that there is, with its columns.
func (d *database) find(ctx context.Context, schema string, names []string, fields ...field) (table, error) {
	list, args := "SELECT name, '' FROM sqlite_master WHERE type IN ('table', 'view')", []any(nil)
	if d.postgres {
		list = "SELECT table_name, table_schema FROM information_schema.tables WHERE table_schema = ANY (current_schemas(false))"
		if schema != "" {
			list, args = "SELECT table_name, table_schema FROM information_schema.tables WHERE table_schema = $1", []any{schema}
		}
	}
	rows, err := d.query(ctx, list, 2, args...)
	if err != nil {
		return table{}, err
	}
	for _, name := range names {
		for _, r := range rows {
			if flat(text(r[0])) != flat(name) {
				continue
			}
			t := table{name: quote(text(r[0])), columns: map[string]string{}}
			if in := text(r[1]); in != "" {
				t.name = quote(in) + "." + t.name
			}
			return t, d.describe(ctx, &t, fields)
		}
	}
	return table{}, fmt.Errorf("%w: %s", errNoTable, strings.Join(names, " or "))
}

func (d *database) describe(ctx context.Context, t *table, fields []field) error {
	rows, err := d.tx.QueryContext(ctx, "SELECT * FROM "+t.name+" WHERE 1 = 0") //nolint:gosec // quoted, and from the catalogue
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	for _, f := range fields {
		for _, want := range f.columns {
			for _, have := range columns {
				if t.columns[f.name] == "" && flat(have) == flat(want) {
					t.columns[f.name] = quote(have)
				}
			}
		}
		switch {
		case t.columns[f.name] != "":
			t.fields = append(t.fields, f)
		case !f.optional:
			return fmt.Errorf("table %s has no column %s", t.name, strings.Join(f.columns, " or "))
		}
	}
	return rows.Err()
}

// record is a row by the names of its fields.
type record map[string]any

// read selects rows of a table; where is SQL over its quoted columns.
func (d *database) read(ctx context.Context, t table, where string, args ...any) ([]record, error) {
	columns := make([]string, len(t.fields))
	for i, f := range t.fields {
		columns[i] = t.columns[f.name]
	}
	rows, err := d.query(ctx, "SELECT "+strings.Join(columns, ", ")+" FROM "+t.name+where, len(columns), args...)
	out := make([]record, len(rows))
	for i, r := range rows {
		out[i] = record{}
		for j, f := range t.fields {
			out[i][f.name] = r[j]
		}
	}
	return out, err
}

func (d *database) query(ctx context.Context, query string, width int, args ...any) ([][]any, error) {
	rows, err := d.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out [][]any
	for rows.Next() {
		values, into := make([]any, width), make([]any, width)
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		out = append(out, values)
	}
	return out, rows.Err()
}
