package importer

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/latchkey/latchkey/storage"
)

// engine is the kind of database that a source is in.
type engine int

const (
	sqlite engine = iota
	postgres
	mySQL
)

// database is a source in a database of its own, read in one transaction that
// cannot write: the whole import sees one moment.
type database struct {
	db     *sql.DB
	tx     *sql.Tx
	engine engine
	schema string // to look for tables in, "" for any
	prefix string // of the names of tables
	tables []listed
	found  []Fault
}

// listed is a table of the source.
type listed struct {
	schema, name string
	near         bool // in the schema that the URL is about
}

func openDatabase(ctx context.Context, source string) (*database, error) {
	d := &database{}
	scheme, path, _ := strings.Cut(source, "://")
	switch rest, ok := strings.CutPrefix(source, "file:"); { // as Prisma writes SQLite
	case ok:
		scheme, path = "sqlite", strings.TrimPrefix(rest, "//")
	case isSQLite(source):
		scheme, path = "sqlite", source
	case strings.HasPrefix(source, "sqlite:"):
		scheme, path = "sqlite", strings.TrimPrefix(strings.TrimPrefix(source, "sqlite:"), "//")
	}
	switch scheme {
	case "postgres", "postgresql":
		config, err := storage.SourceConfig(source)
		if err != nil {
			return nil, fmt.Errorf("--source: %w", err) // it leaves the password out
		}
		// Values go as text that takes the type of its column: ids are uuid in
		// one system, integer in the next.
		config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
		config.RuntimeParams["default_transaction_read_only"] = "on"
		config.RuntimeParams["timezone"] = "UTC"
		d.db, d.engine = stdlib.OpenDB(*config), postgres
	case "mysql", "mariadb":
		connector, err := openMySQL(source)
		if err != nil {
			return nil, fmt.Errorf("--source: %w", err)
		}
		d.db, d.engine = sql.OpenDB(connector), mySQL
	case "sqlite":
		path, _, _ = strings.Cut(path, "?")
		if strings.HasPrefix(path, "//") {
			path = "/" + strings.TrimLeft(path, "/") // sqlite:////path, as SQLAlchemy writes it
		}
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
		return nil, errors.New("--source: want postgres://..., mysql://..., mariadb://..., sqlite://path or file:path")
	}
	return d, d.begin(ctx)
}

// isSQLite reports whether a file is an SQLite database.
func isSQLite(path string) bool {
	const magic = "SQLite format 3\x00"
	f, err := os.Open(path) //nolint:gosec // the operator says which file
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // it was only read
	head := make([]byte, len(magic))
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == magic
}

// openMySQL reads the URL of a MySQL or MariaDB as Prisma and others write it.
func openMySQL(source string) (driver.Connector, error) {
	u, err := url.Parse(source)
	if err != nil {
		return nil, errors.New("this is no URL") // the error would show the password
	}
	c := mysql.NewConfig()
	c.Net, c.Addr, c.DBName = "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	if u.Port() == "" {
		c.Addr = u.Hostname() + ":3306"
	}
	if socket := u.Query().Get("socket"); socket != "" {
		c.Net, c.Addr = "unix", socket
	}
	if c.DBName == "" {
		return nil, errors.New("the URL names no database")
	}
	switch strings.ToLower(u.Query().Get("sslaccept") + u.Query().Get("ssl-mode") + u.Query().Get("ssl")) {
	case "":
		c.TLSConfig = "preferred"
	case "disabled", "false":
	case "accept_invalid_certs":
		c.TLSConfig = "skip-verify"
	default:
		c.TLSConfig = "true"
	}
	if u.Query().Get("socket") != "" {
		c.TLSConfig = ""
	}
	// Names are quoted as in the other engines; times come as text, as they are.
	c.Params = map[string]string{"sql_mode": "'ANSI_QUOTES'", "time_zone": "'+00:00'"}
	c.InterpolateParams = true
	return mysql.NewConnector(c)
}

func (d *database) begin(ctx context.Context) error {
	options := &sql.TxOptions{ReadOnly: true}
	if d.engine != sqlite {
		options.Isolation = sql.LevelRepeatableRead
	}
	tx, err := d.db.BeginTx(ctx, options)
	if err != nil {
		return errors.Join(fmt.Errorf("--source: %w", err), d.db.Close())
	}
	d.tx = tx
	list := "SELECT '', name, 1 FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
	switch d.engine {
	case postgres:
		list = `SELECT table_schema::text, table_name::text, (CASE WHEN table_schema = ANY (current_schemas(false)) THEN 1 ELSE 0 END)
			FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 3 DESC, 1, 2`
	case mySQL:
		list = "SELECT table_schema, table_name, 1 FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name"
	}
	rows, err := d.query(ctx, list, 3)
	if err != nil {
		return errors.Join(fmt.Errorf("--source: %w", err), d.Close())
	}
	for _, r := range rows {
		near, _ := truth(r[2])
		d.tables = append(d.tables, listed{schema: text(r[0]), name: text(r[1]), near: near})
	}
	return nil
}

// Close ends the reading.
func (d *database) Close() error {
	_ = d.tx.Rollback() // there is nothing to keep
	return d.db.Close()
}

// Faults implements Source.
func (d *database) Faults() []Fault {
	found := d.found
	d.found = nil
	return found
}

// param is the n-th placeholder, from 1.
func (d *database) param(n int) string {
	switch d.engine {
	case postgres:
		return fmt.Sprintf("$%d", n)
	case mySQL:
		return "?"
	}
	return fmt.Sprintf("?%d", n)
}

// text is a column as text, which every type of PostgreSQL can be: times that Go
// does not have, arrays, enums.
func (d *database) text(column string) string {
	if d.engine == postgres {
		return column + "::text"
	}
	return column
}

// row is a record of the source by the names of its fields.
type record map[string]any

// read selects rows of a table; rest is SQL over its quoted columns.
func (d *database) read(ctx context.Context, t table, rest string, args ...any) ([]record, error) {
	columns := make([]string, len(t.fields))
	for i, f := range t.fields {
		columns[i] = d.text(t.columns[f.name])
	}
	rows, err := d.query(ctx, "SELECT "+strings.Join(columns, ", ")+" FROM "+t.name+rest, len(columns), args...)
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
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				values[i] = string(b)
			}
		}
		out = append(out, values)
	}
	return out, rows.Err()
}

// inList is "column IN (...)" for values, which are its arguments.
func (d *database) inList(column string, n int) string {
	marks := make([]string, n)
	for i := range marks {
		marks[i] = d.param(i + 1)
	}
	return column + " IN (" + strings.Join(marks, ", ") + ")"
}
