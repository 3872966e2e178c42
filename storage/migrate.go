package storage

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
)

// MigrationStatus is one migration and when it was applied.
type MigrationStatus struct {
	Version   int64
	Name      string
	Applied   bool
	AppliedAt time.Time
}

// migrators apply the migrations of an engine. On PostgreSQL there are others for
// those that are one transaction, see migrationLockTimeouts. One that builds an index
// beside traffic waits for others, and holds nothing meanwhile.
type migrators struct {
	patient *goose.Provider
	brief   []*goose.Provider
}

// at returns the provider for a migration of one transaction that has been retried for
// this long.
func (m migrators) at(tried time.Duration) *goose.Provider {
	return m.brief[min(int(tried*time.Duration(len(m.brief))/migrationPatience), len(m.brief)-1)]
}

// migrating runs f with the migrations of this engine. On PostgreSQL one process
// at a time does, which a pooler between cannot break: the lock is that of a
// transaction. f has connections of its own, on which nothing is cut short.
func (db *DB) migrating(ctx context.Context, f func(ctx context.Context, m migrators) error) error {
	if db.engine == sqlite {
		p, err := db.migrator(db.write.DB, db.engine.migrations())
		if err != nil {
			return err
		}
		return f(ctx, migrators{patient: p, brief: []*goose.Provider{p}})
	}
	open := func(lockTimeout time.Duration) (*sql.DB, func(), error) {
		pool, connector, err := db.direct.forMigrations(lockTimeout).pool(ctx)
		if err != nil {
			return nil, nil, err
		}
		conns := sql.OpenDB(connector)
		conns.SetMaxIdleConns(0) // the pool keeps them
		return conns, func() { _ = conns.Close(); pool.Close() }, nil
	}
	conns, done, err := open(lockTimeout)
	if err != nil {
		return err
	}
	defer done()
	var m migrators
	if m.patient, err = db.migrator(conns, db.engine.migrations()); err != nil {
		return err
	}
	for _, timeout := range migrationLockTimeouts {
		conns, done, err := open(timeout) // no connection before it is used
		if err != nil {
			return err
		}
		defer done()
		p, err := db.migrator(conns, lockingFirst{db.engine.migrations()})
		if err != nil {
			return err
		}
		m.brief = append(m.brief, p)
	}
	lock, err := db.lockMigrations(ctx, conns)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var holding sync.WaitGroup
	holding.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(idleInMigration / 6):
			}
			// No query, which would hold a snapshot that an index built beside traffic
			// waits for.
			if _, err := lock.ExecContext(ctx, setIdleInMigration); err != nil {
				cancel(fmt.Errorf("lost the lock on migrations: %w", err))
			}
		}
	})
	err = f(ctx, m)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = errors.Join(err, cause)
	}
	cancel(nil)
	holding.Wait()
	_ = lock.Rollback() // there is nothing in it
	return err
}

// idleInMigration is how long a process that migrates may be frozen before
// another takes its place.
const idleInMigration = time.Minute

var setIdleInMigration = fmt.Sprintf("SET LOCAL idle_in_transaction_session_timeout = %d", idleInMigration.Milliseconds())

// lockMigrations waits for the lock that the returned transaction holds. It asks
// again and again, each time in a transaction of its own: one that waited would
// hold a snapshot, for which building an index waits in turn.
func (db *DB) lockMigrations(ctx context.Context, conns *sql.DB) (*sql.Tx, error) {
	for {
		tx, err := conns.BeginTx(context.WithoutCancel(ctx), nil) // or it would end with ctx, before f
		if err != nil {
			return nil, err
		}
		var held bool
		_, err = tx.ExecContext(ctx, setIdleInMigration)
		if err == nil {
			err = tx.QueryRowContext(ctx, "SELECT pg_try_advisory_xact_lock(hashtextextended('latchkey migrations', 0))").Scan(&held)
		}
		if err == nil && held {
			return tx, nil
		}
		_ = tx.Rollback()
		if err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(50+rand.Int64N(100)) * time.Millisecond): //nolint:gosec // jitter needs no secrecy
		}
	}
}

// lockingFirst is migrations for PostgreSQL. One that changes several tables locks them
// at its start, in the order in which the check of a session reads them: a check would
// hold one of the tables and wait for another otherwise, while the migration waits for
// the first. Under traffic that happens each time the migration is tried, until a check
// becomes the victim of the deadlock.
type lockingFirst struct{ fs.FS }

// checkedTables are what the check of a session reads, in its order.
var checkedTables = []string{"sessions", "users", "identities", "team_sessions", "memberships", "team_policies"}

var altersTable = regexp.MustCompile(`(?m)^ALTER TABLE (\w+)`)

// Open gives the text of a migration, with its LOCK statement.
func (l lockingFirst) Open(name string) (fs.File, error) {
	f, err := l.FS.Open(name)
	if err != nil || path.Ext(name) != ".sql" {
		return f, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	up, down, _ := strings.Cut(string(text), "-- +goose Down")
	return textFile{f, strings.NewReader(lockTables(up) + "-- +goose Down" + down)}, nil
}

func lockTables(up string) string {
	var tables []string
	for _, found := range altersTable.FindAllStringSubmatch(up, -1) {
		if !slices.Contains(tables, found[1]) && !strings.Contains(up, "CREATE TABLE "+found[1]+" ") {
			tables = append(tables, found[1])
		}
	}
	if len(tables) < 2 || strings.Contains(up, "+goose NO TRANSACTION") {
		return up
	}
	rank := func(table string) int { return slices.Index(checkedTables, table) }
	slices.SortStableFunc(tables, func(a, b string) int {
		// Those that no check reads come first: it waits for none of them.
		return rank(a) - rank(b)
	})
	return strings.Replace(up, "-- +goose Up\n", "-- +goose Up\nLOCK TABLE "+strings.Join(tables, ", ")+" IN ACCESS EXCLUSIVE MODE;\n", 1)
}

// textFile is a file with another text.
type textFile struct {
	fs.File
	text io.Reader
}

func (f textFile) Read(p []byte) (int, error) { return f.text.Read(p) }

// migrator returns migrations for this engine, out of order where two branches added
// some.
func (db *DB) migrator(conns *sql.DB, files fs.FS) (*goose.Provider, error) {
	dialect := goose.DialectPostgres
	if db.engine == sqlite {
		dialect = goose.DialectSQLite3
	}
	return goose.NewProvider(dialect, conns, files,
		goose.WithSlog(slog.New(slog.DiscardHandler)), goose.WithAllowOutofOrder(true))
}

// Migrate brings the schema up to date and returns what it applied. Replicas
// that start at once migrate once.
func (db *DB) Migrate(ctx context.Context) ([]MigrationStatus, error) {
	s, err := db.Schema(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	var done []*goose.MigrationResult
	if s.Pending > 0 {
		err = db.migrating(ctx, func(ctx context.Context, m migrators) error {
			done, err = db.up(ctx, m)
			return err
		})
	}
	if err == nil {
		err = db.keepChecksums(ctx)
	}
	if err != nil {
		return applied(done), fmt.Errorf("migrate: %w", db.engine.normalise(err))
	}
	return applied(done), db.fillClients(ctx)
}

// migrationPatience is how long a migration is tried that does not get its tables.
const migrationPatience = 2 * time.Minute

func (db *DB) up(ctx context.Context, m migrators) (done []*goose.MigrationResult, err error) {
	for tries, since := 0, time.Now(); ; tries++ {
		p, err := db.next(ctx, m, time.Since(since))
		if p == nil || err != nil {
			return done, err
		}
		r, err := p.UpByOne(ctx)
		// A second process on the same SQLite file may get in between: each migration is
		// one transaction, so looking again tells what is left to do.
		again := tries < 2*len(p.ListSources())
		if db.engine == postgres {
			again = p != m.patient && tryAgain(db.engine.normalise(err)) && time.Since(since) < migrationPatience
		}
		switch {
		case err == nil:
			done, since = append(done, r), time.Now()
		case !again:
			return done, err
		default:
			select {
			case <-ctx.Done():
				return done, err
			case <-time.After(time.Duration(50+rand.Int64N(100)) * time.Millisecond): //nolint:gosec // jitter needs no secrecy
			}
		}
	}
}

// tryAgain reports whether a migration did not get what others hold just now.
func tryAgain(err error) bool {
	var down *ErrUnavailable
	var pg *pgconn.PgError
	return retryable(err) || errors.As(err, &down) && errors.As(err, &pg) && pg.Code == "55P03"
}

// next returns the provider that applies the next migration, which has been retried for
// this long. It returns nil if none is pending.
func (db *DB) next(ctx context.Context, m migrators, tried time.Duration) (*goose.Provider, error) {
	status, err := m.patient.Status(ctx)
	if err != nil {
		return nil, err
	}
	for _, one := range status {
		if one.State == goose.StateApplied {
			continue
		}
		text, err := fs.ReadFile(db.engine.migrations(), one.Source.Path)
		if err == nil && bytes.Contains(text, []byte("+goose NO TRANSACTION")) {
			return m.patient, nil
		}
		return m.at(tried), err
	}
	return nil, nil
}

// MigrateDown rolls back the newest migration and deletes its data.
func (db *DB) MigrateDown(ctx context.Context) (MigrationStatus, error) {
	var r *goose.MigrationResult
	err := db.migrating(ctx, func(ctx context.Context, m migrators) (err error) {
		r, err = m.patient.Down(ctx)
		return err
	})
	if err != nil {
		return MigrationStatus{}, fmt.Errorf("migrate down: %w", db.engine.normalise(err))
	}
	return applied([]*goose.MigrationResult{r})[0], nil
}

// MigrationStatus lists every migration this binary knows.
func (db *DB) MigrationStatus(ctx context.Context) ([]MigrationStatus, error) {
	p, err := db.migrator(db.write.DB, db.engine.migrations())
	if err != nil {
		return nil, err
	}
	status, err := p.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("migration status: %w", db.engine.normalise(err))
	}
	out := make([]MigrationStatus, len(status))
	for i, s := range status {
		out[i] = MigrationStatus{
			Version: s.Source.Version, Name: s.Source.Path,
			Applied: s.State == goose.StateApplied, AppliedAt: s.AppliedAt.UTC(),
		}
	}
	return out, nil
}

func applied(results []*goose.MigrationResult) []MigrationStatus {
	var out []MigrationStatus
	for _, r := range results {
		out = append(out, MigrationStatus{Version: r.Source.Version, Name: r.Source.Path, Applied: true, AppliedAt: time.Now().UTC()})
	}
	return out
}
