// Package storagetest holds the conformance suite that both storage engines
// pass, and fresh databases with people in them for the tests of what builds on
// the storage.
package storagetest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/latchkey/latchkey/internal/testkit/testpg"
	"github.com/latchkey/latchkey/storage"
)

// The engines.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// Engines returns the engines that tests run on: both, or those that
// [testpg.EnginesVariable] names.
func Engines() []string {
	if named := os.Getenv(testpg.EnginesVariable); named != "" {
		return strings.Split(named, ",")
	}
	return []string{SQLite, Postgres}
}

// Database is a fresh database with the newest schema.
type Database struct {
	*storage.DB
	Engine string
	URL    string
	// SQL goes around the store, for rows that the store would never write.
	SQL   *sql.DB
	Clock *Clock

	unsound bool
}

// Each runs a test on each engine, in parallel.
func Each(t *testing.T, test func(t *testing.T, d *Database)) {
	t.Helper()
	t.Parallel()
	for _, engine := range Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, Open(t, engine))
		})
	}
}

// URL returns an empty database of the engine, without a schema.
func URL(t *testing.T, engine string) string {
	t.Helper()
	if engine == Postgres {
		return testpg.URL(t)
	}
	return "sqlite://" + filepath.Join(t.TempDir(), "latchkey.db")
}

// Open returns a fresh database. When the test ends, what must always hold is
// checked.
func Open(t *testing.T, engine string) *Database {
	t.Helper()
	return OpenURL(t, engine, Migrated(t, engine))
}

// OpenURL is Open for a database that is there already.
func OpenURL(t *testing.T, engine, url string) *Database {
	t.Helper()
	d := &Database{DB: Connect(t, url), Engine: engine, URL: url, SQL: ConnectSQL(t, url), Clock: NewClock()}
	t.Cleanup(func() {
		violations, err := d.Violations(context.Background())
		if err != nil {
			t.Errorf("looking for violations: %v", err)
		}
		if !d.unsound && len(violations) > 0 {
			t.Errorf("the test left an unsound database:\n%s", strings.Join(violations, "\n"))
		}
	})
	return d
}

// Connect opens a store, closed when the test ends: one replica of several, if
// it is called again with the same URL.
func Connect(t *testing.T, url string, options ...storage.Option) *storage.DB {
	t.Helper()
	db, err := storage.Open(t.Context(), url, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return db
}

// ConnectSQL opens a database around the store.
func ConnectSQL(t *testing.T, url string) *sql.DB {
	t.Helper()
	driver, dsn := "pgx", url
	if path, ok := strings.CutPrefix(url, "sqlite://"); ok {
		driver, dsn = "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// Exec runs a statement around the store, with ? as placeholders on both engines.
func (d *Database) Exec(query string, args ...any) error {
	_, err := d.SQL.ExecContext(context.Background(), d.placeholders(query), args...)
	return err
}

// placeholders numbers them as PostgreSQL does.
func (d *Database) placeholders(query string) string {
	if d.Engine == Postgres {
		for n := 1; strings.Contains(query, "?"); n++ {
			query = strings.Replace(query, "?", fmt.Sprintf("$%d", n), 1)
		}
	}
	return query
}

// Count counts the rows of a table around the store.
func (d *Database) Count(t *testing.T, table string) int {
	t.Helper()
	var n int
	if err := d.SQL.QueryRowContext(context.Background(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Plan says how the engine would run a query on tables that are too large to be
// scanned.
func (d *Database) Plan(t *testing.T, query string) string {
	t.Helper()
	conn, err := d.SQL.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	explain, columns := "EXPLAIN QUERY PLAN ", 4
	if d.Engine == Postgres {
		explain, columns = "EXPLAIN ", 1
		if _, err := conn.ExecContext(t.Context(), "SET enable_seqscan = off"); err != nil {
			t.Fatal(err)
		}
		defer func() { _, _ = conn.ExecContext(context.Background(), "RESET enable_seqscan") }()
	}
	rows, err := conn.QueryContext(t.Context(), explain+query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var plan []string
	for rows.Next() {
		into := make([]any, columns)
		for i := range into {
			into[i] = new(any)
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, fmt.Sprint(*into[columns-1].(*any)))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "\n")
}

// Unsound tells that the test breaks on purpose what must always hold.
func (d *Database) Unsound() { d.unsound = true }

// Clock is the time of one test. It does not move by itself.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock with every digit of the microsecond set, so that a
// store that keeps less is found out.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, 3, 1, 12, 30, 45, 123456000, time.UTC)}
}

// Now is an identity.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Set sets the clock.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}
