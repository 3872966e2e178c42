package storage_test

import (
	"database/sql"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/migrations"
	"github.com/latchkey/latchkey/storage"
)

func TestMigrationsHaveEqualVersionsAndNames(t *testing.T) {
	t.Parallel()
	names := func(files fs.FS) []string {
		out, err := fs.Glob(files, "*.sql")
		if err != nil || len(out) == 0 {
			t.Fatalf("%v, %v", out, err)
		}
		return out
	}
	if postgres, sqlite := names(migrations.Postgres()), names(migrations.SQLite()); !slices.Equal(postgres, sqlite) {
		t.Errorf("PostgreSQL has %v, SQLite %v", postgres, sqlite)
	}
}

func TestMigrateUpDownUp(t *testing.T) {
	t.Parallel()
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			d := storagetest.Open(t, engine)
			owner := d.User(t) // a schema in use goes down too
			d.Email(t, owner.ID, "a@example.com")
			d.Team(t, owner.ID)
			if err := d.Exec("UPDATE users SET primary_email = 'a@example.com'"); err != nil {
				t.Fatal(err)
			}
			first := schema(t, d)
			all := status(t, d.DB, true)
			for range all {
				if _, err := d.MigrateDown(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			status(t, d.DB, false)
			if left := schema(t, d); len(left) > 0 {
				t.Errorf("all the way down there is still %v", left)
			}
			applied, err := d.Migrate(t.Context())
			if err != nil || len(applied) != len(all) {
				t.Fatalf("up again: %v, %v", applied, err)
			}
			status(t, d.DB, true)
			if second := schema(t, d); !slices.Equal(first, second) {
				t.Errorf("up, down and up again is another schema:\n%s\n---\n%s", strings.Join(first, "\n"), strings.Join(second, "\n"))
			}
			if applied, err := d.Migrate(t.Context()); err != nil || len(applied) > 0 {
				t.Errorf("up when up: %v, %v", applied, err)
			}
		})
	}
}

// Replicas that start at once on an empty database: each comes up on the whole
// schema, and every migration ran once.
func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			url := storagetest.URL(t, engine)
			replicas := make([]*storage.DB, 8)
			for i := range replicas {
				replicas[i] = storagetest.Connect(t, url)
			}
			migrateTogether(t, replicas)
			// All the way down the table of versions stays, so that now nothing but
			// the lock keeps them apart.
			for range status(t, replicas[0], true) {
				if _, err := replicas[0].MigrateDown(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			migrateTogether(t, replicas)
		})
	}
}

func migrateTogether(t *testing.T, replicas []*storage.DB) {
	t.Helper()
	var mu sync.Mutex
	ran := map[int64]int{}
	var wg sync.WaitGroup
	start := make(chan struct{})
	for _, db := range replicas {
		wg.Go(func() {
			<-start
			applied, err := db.Migrate(t.Context())
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, m := range applied {
				ran[m.Version]++
			}
		})
	}
	close(start)
	wg.Wait()
	for _, db := range replicas {
		for _, m := range status(t, db, true) {
			if ran[m.Version] != 1 {
				t.Errorf("migration %d was applied by %d replicas", m.Version, ran[m.Version])
			}
		}
	}
}

// A check of a session reads sessions and then users. While it holds the first, no
// migration that changes both holds the second and waits: that is a deadlock.
func TestMigrateWaitsWhereChecksBegin(t *testing.T) {
	t.Parallel()
	if !slices.Contains(storagetest.Engines(), storagetest.Postgres) {
		t.Skip("SQLite has one lock")
	}
	d := storagetest.Open(t, storagetest.Postgres)
	for down := int64(0); down != 27; { // which changes users, teams, sessions and team_sessions
		m, err := d.MigrateDown(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		down = m.Version
	}
	reading, err := storagetest.ConnectSQL(t, d.URL).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reading.Rollback() }()
	if _, err := reading.ExecContext(t.Context(), "SELECT 1 FROM sessions"); err != nil {
		t.Fatal(err)
	}
	migrated := make(chan error, 1)
	go func() {
		_, err := d.Migrate(t.Context())
		migrated <- err
	}()
	var waiting, held int
	until(t, "the migration waits for sessions", func() bool {
		err := reading.QueryRowContext(t.Context(), `SELECT count(DISTINCT w.pid), count(h.pid) FROM pg_locks AS w
			LEFT JOIN pg_locks AS h ON h.pid = w.pid AND h.granted AND h.relation IN ('users'::regclass, 'team_sessions'::regclass)
			WHERE w.relation = 'sessions'::regclass AND NOT w.granted`).Scan(&waiting, &held)
		return err != nil || waiting > 0
	})
	if waiting != 1 || held > 0 {
		t.Errorf("%d wait and hold %d of the tables that a check reads later", waiting, held)
	}
	if err := reading.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Error(err)
	}
}

// status asserts that every migration is applied, or none.
func status(t *testing.T, db *storage.DB, applied bool) []storage.MigrationStatus {
	t.Helper()
	all, err := db.MigrationStatus(t.Context())
	if err != nil || len(all) == 0 {
		t.Fatalf("%v, %v", all, err)
	}
	for _, m := range all {
		if m.Applied != applied || m.AppliedAt.IsZero() == applied || !strings.HasSuffix(m.Name, ".sql") {
			t.Errorf("want applied %v: %+v", applied, m)
		}
	}
	return all
}

// schema describes every table, column, index and constraint but those of the
// migrations' own table.
func schema(t *testing.T, d *storagetest.Database) []string {
	t.Helper()
	query := `SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master
		WHERE tbl_name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite_sequence%'`
	if d.Engine == storagetest.Postgres {
		query = `SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '')
				FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'goose%'
			UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'goose%'
			UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
				FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'goose%'`
	}
	rows, err := d.SQL.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var line sql.NullString
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		out = append(out, line.String)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}
