package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// MigrationStatus is one migration and when it was applied.
type MigrationStatus struct {
	Version   int64
	Name      string
	Applied   bool
	AppliedAt time.Time
}

// migrator returns the migrations of this engine. On PostgreSQL an advisory
// lock lets one of several starting replicas migrate while the others wait.
func (db *DB) migrator() (*goose.Provider, error) {
	quiet := goose.WithSlog(slog.New(slog.DiscardHandler))
	if db.engine == sqlite {
		return goose.NewProvider(goose.DialectSQLite3, db.write.DB, db.engine.migrations(), quiet)
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120), lock.WithUnlockTimeout(1, 10))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, db.write.DB, db.engine.migrations(), quiet, goose.WithSessionLocker(locker))
}

// Migrate brings the schema up to date and returns what it applied. Replicas
// that start at once migrate once.
func (db *DB) Migrate(ctx context.Context) ([]MigrationStatus, error) {
	p, err := db.migrator()
	if err != nil {
		return nil, err
	}
	// A second process on the same SQLite file may get in between: each migration
	// is one transaction, so looking again tells what is left to do.
	var done []*goose.MigrationResult
	for range 1 + 2*len(p.ListSources()) {
		var pending bool
		if pending, err = p.HasPending(ctx); err == nil && !pending {
			return applied(done), db.migrated(ctx)
		}
		var results []*goose.MigrationResult
		var partial *goose.PartialError
		if results, err = p.Up(ctx); err == nil {
			return applied(append(done, results...)), db.migrated(ctx)
		}
		if errors.As(err, &partial) {
			done = append(done, partial.Applied...)
		}
		if db.engine != sqlite {
			break
		}
	}
	return applied(done), fmt.Errorf("migrate: %w", db.engine.normalise(err))
}

// migrated does what is left once every migration is applied.
func (db *DB) migrated(ctx context.Context) error {
	if err := db.keepChecksums(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return db.fillClients(ctx)
}

// MigrateDown takes back the newest migration, with the data it held.
func (db *DB) MigrateDown(ctx context.Context) (MigrationStatus, error) {
	p, err := db.migrator()
	if err != nil {
		return MigrationStatus{}, err
	}
	r, err := p.Down(ctx)
	if err != nil {
		return MigrationStatus{}, fmt.Errorf("migrate down: %w", err)
	}
	return applied([]*goose.MigrationResult{r})[0], nil
}

// MigrationStatus lists every migration this binary knows.
func (db *DB) MigrationStatus(ctx context.Context) ([]MigrationStatus, error) {
	p, err := db.migrator()
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
