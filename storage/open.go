// Package storage keeps everything Latchkey knows, by bun, on PostgreSQL or
// SQLite: one set of queries for both. It implements the small Store interfaces
// that its consumers declare. What differs between the engines is in
// dialect.go.
package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	moderncsqlite "modernc.org/sqlite"

	"github.com/latchkey/latchkey/identity"
)

// DB is the storage of one deployment. It is safe for concurrent use.
type DB struct {
	engine engine
	// read serves everything outside a transaction; write opens transactions.
	// On PostgreSQL they are one pool. On SQLite, which has one writer at a
	// time, write is one connection, so that writers queue fairly in the
	// process instead of polling a lock, and read takes many.
	read, write *bun.DB
	// queued is PostgreSQL inside a transaction, see queue.
	queued      *bun.DB
	lite        liteStatements // SQLite only
	checks      checks         // PostgreSQL only
	pool        *pgxpool.Pool  // PostgreSQL only, as
	server      *server        // what pool leads to, and
	direct      *server        // the same without a pooler
	patient     bool
	lease       time.Duration // see Lease
	traced      bool          // see Traced
	gate        gate
	outages     outages
	hot         *hotStatements
	audit       auditSecrets
	watcher     atomic.Pointer[Changes] // receives changes, see Watch
	wakeLogouts atomic.Pointer[func()]  // see OnLogout
	wakeFeed    atomic.Pointer[func()]  // see OnEvents
	sealed      atomic.Pointer[func(action identity.Action, n int)]
}

// Option changes how a database is opened.
type Option func(o *options)

type options struct {
	wrap                 func(driver.Connector) driver.Connector
	direct               string
	reread, rereadDirect func() (string, error)
	patient              bool
	lease                time.Duration
	traced               bool
}

// Direct is another URL of the same PostgreSQL that leads to it without a pooler,
// for what one connection has to do as long as it lives: migrations and LISTEN.
func Direct(databaseURL string) Option {
	return func(o *options) { o.direct = databaseURL }
}

// Reread gives the URLs as they are now, for a password that has changed: it is
// called when the server refuses the one there was, and by [DB.Reload].
func Reread(pooled, direct func() (string, error)) Option {
	return func(o *options) { o.reread, o.rereadDirect = pooled, direct }
}

// Patient is for commands of an operator: statements and transactions take as
// long as they take.
func Patient() Option {
	return func(o *options) { o.patient = true }
}

// Lease changes how long what is remembered counts after a sign of life of PostgreSQL,
// from DefaultLease: a database that is farther away than that cannot renew it in time.
func Lease(d time.Duration) Option {
	return func(o *options) { o.lease = d }
}

// Traced adds each statement of a request to its trace, without the values in it.
func Traced() Option { return func(o *options) { o.traced = true } }

// WithConnectorWrapper lets every connection to SQLite be opened by what wrap makes
// of the driver's connector, so that it can watch what is asked. What PostgreSQL is
// asked can be watched on the wire.
func WithConnectorWrapper(wrap func(driver.Connector) driver.Connector) Option {
	return func(o *options) { o.wrap = wrap }
}

func (o options) open(c driver.Connector) *sql.DB {
	if o.wrap != nil {
		c = o.wrap(c)
	}
	return sql.OpenDB(c)
}

// Open connects to a database by URL: postgres://… or sqlite://<path>. It
// changes nothing in it; see Migrate. A PostgreSQL that is down is no error
// here: the service starts and answers 503 until it is up.
func Open(ctx context.Context, databaseURL string, opts ...Option) (*DB, error) {
	o := options{lease: DefaultLease}
	for _, set := range opts {
		set(&o)
	}
	scheme, rest, ok := strings.Cut(databaseURL, "://")
	if !ok {
		return nil, fmt.Errorf("database URL: no scheme, want postgres:// or sqlite://")
	}
	switch scheme {
	case "postgres", "postgresql":
		return openPostgres(ctx, databaseURL, o)
	case "sqlite":
		return openSQLite(ctx, rest, o)
	}
	return nil, fmt.Errorf("database URL: unknown scheme %q, want postgres or sqlite", scheme)
}

func openPostgres(ctx context.Context, databaseURL string, o options) (*DB, error) {
	s, err := parsePostgres(databaseURL)
	if err != nil {
		return nil, err
	}
	s.reread = o.reread
	direct := s
	if o.direct != "" {
		if direct, err = parsePostgres(o.direct); err != nil {
			return nil, fmt.Errorf("direct %w", err)
		}
		direct.reread = o.rereadDirect
	}
	if o.patient {
		delete(s.guards, "statement_timeout")
	}
	pool, connector, err := s.pool(ctx)
	if err != nil {
		return nil, err
	}
	hot := newHotStatements(postgres)
	hot.unprepared.Store(!s.prepared)
	pooled := sql.OpenDB(connector)
	pooled.SetMaxIdleConns(0) // the pool keeps them
	db := o.trace(postgres, bun.NewDB(pooled, pgdialect.New(), bun.WithDiscardUnknownColumns()))
	return &DB{
		engine: postgres, read: db, write: db, pool: pool,
		queued: bun.NewDB(sql.OpenDB(queueConnector{}), pgdialect.New(), bun.WithDiscardUnknownColumns()),
		server: s, direct: direct, hot: hot,
		patient: o.patient, traced: o.traced, lease: o.lease, gate: newGate(int(s.config.MaxConns)),
	}, nil
}

func openSQLite(ctx context.Context, path string, o options) (*DB, error) {
	if path == "" {
		return nil, fmt.Errorf("database URL: sqlite:// needs a path")
	}
	// SQLite would make it as others may read; the log beside it takes its mode.
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err == nil { //nolint:gosec // the operator's own path
		_ = f.Close()
	}
	open := func(extra ...string) (*sql.DB, error) {
		q := url.Values{"_pragma": append([]string{
			"busy_timeout(10000)", "foreign_keys(1)", "journal_mode(WAL)", "synchronous(FULL)",
			// A long reader lets the log grow; afterwards it is cut back to this.
			"journal_size_limit(16777216)",
		}, extra...), "_txlock": {"immediate"}}
		c, err := moderncsqlite.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode())
		if err != nil {
			return nil, err
		}
		return o.open(c), nil
	}
	write, err := open()
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	write.SetMaxOpenConns(1)
	// The file must be there, in WAL mode, before a reader opens it.
	if err := write.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	read, err := open("query_only(1)")
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	read.SetMaxOpenConns(16)
	read.SetMaxIdleConns(16)
	return &DB{
		engine: sqlite, hot: newHotStatements(sqlite), patient: o.patient, traced: o.traced,
		read:  o.trace(sqlite, bun.NewDB(read, sqlitedialect.New(), bun.WithDiscardUnknownColumns())),
		write: o.trace(sqlite, bun.NewDB(write, sqlitedialect.New(), bun.WithDiscardUnknownColumns())),
	}, nil
}

// Close releases all connections.
func (db *DB) Close() error {
	err := db.write.Close()
	if db.read != db.write {
		if e := db.read.Close(); err == nil {
			err = e
		}
	}
	if db.pool != nil {
		_ = db.queued.Close() // it has nothing of its own
		db.pool.Close()
	}
	return err
}

// Reload takes up passwords that have changed, for the connections to come. Those
// there are go on.
func (db *DB) Reload() {
	if db.server != nil {
		db.server.reload()
		if db.direct != db.server {
			db.direct.reload()
		}
	}
}

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	_, err := db.read.ExecContext(ctx, "SELECT 1")
	return db.engine.normalise(err)
}

// Now returns the database's clock, to compare it with ours.
func (db *DB) Now(ctx context.Context) (time.Time, error) {
	if db.engine == sqlite {
		return time.Now().UTC(), nil // the same machine's
	}
	var now time.Time
	err := db.read.NewRaw("SELECT now()").Scan(ctx, &now)
	return now.UTC(), db.engine.normalise(err)
}
