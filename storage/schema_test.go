package storage_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// A newer release has added columns to the database of this one. Each table has
// one of its own and one by every name that any table has, so that a query that
// asks for all columns, or for one without its table, is found out.
func TestColumnsOfANewerRelease(t *testing.T) {
	t.Parallel()
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			url := storagetest.Migrated(t, engine)
			t.Run("added", func(t *testing.T) { // and there is no connection any more
				addColumns(t, storagetest.OpenURL(t, engine, url), "of_a_newer_release", true)
			})
			copies := storagetest.Copies(t, engine, url)
			conforms(t, func(t *testing.T) *storagetest.Database { return storagetest.OpenURL(t, engine, copies(t)) })
		})
	}
}

// Columns are named, see DB.columns: what a newer release adds is not even sent.
func TestQueriesNameTheirColumns(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 20 {
		t.Fatalf("%v, %v", files, err)
	}
	all := regexp.MustCompile("[\"`, ][a-z]+\\.\\*[\"`, ]|(?i)SELECT \\*|RETURNING \\*")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text = bytes.ReplaceAll(text, []byte("named.*"), nil) // of a query that has named them
		if found := all.Find(text); found != nil {
			t.Errorf("%s asks for every column: %s", file, found)
		}
	}
}

// The columns come while statements are prepared on most connections.
func TestColumnsComeWhileInUse(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		s := d.Session(t, d.User(t).ID)
		read := func() {
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					if _, err := d.PrincipalByToken(t.Context(), s.TokenHash); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		read()
		addColumns(t, d, "of_a_newer_release", false)
		read()
	})
}

// addColumns adds one by a name to each table and, if so asked, one by every name
// that another table has.
func addColumns(t *testing.T, d *storagetest.Database, name string, others bool) {
	t.Helper()
	query := "SELECT m.name, p.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'"
	if d.Engine == storagetest.Postgres {
		query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
	}
	rows, err := d.SQL.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	tables, names := map[string]map[string]bool{}, map[string]bool{name: true}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		if tables[table] == nil {
			tables[table] = map[string]bool{}
		}
		tables[table][column] = true
		if others {
			names[column] = true
		}
	}
	if err := rows.Err(); err != nil || len(tables) < 20 {
		t.Fatalf("%v: %v", tables, err)
	}
	_ = rows.Close()
	statements := []string{"BEGIN"}
	for table, columns := range tables {
		for name := range names {
			if !columns[name] {
				statements = append(statements, fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s text", table, name))
			}
		}
	}
	if err := d.Exec(strings.Join(append(statements, "COMMIT"), ";\n")); err != nil {
		t.Fatal(err)
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			empty := storagetest.Connect(t, storagetest.URL(t, engine))
			if s, err := empty.Schema(t.Context()); err != nil || s.Pending == 0 {
				t.Errorf("an empty database: %+v, %v", s, err)
			}
			if err := empty.Ready(t.Context()); err == nil {
				t.Error("an empty database is ready")
			}
			d := storagetest.Open(t, engine)
			steps := []struct {
				name, change string
				ready        bool
			}{
				{"migrated", "SELECT 1", true},
				{"a newer release has migrated", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)", true},
				{"applied by a release that keeps no checksums", "UPDATE goose_db_version SET checksum = NULL", true},
				{"another text was applied", "UPDATE goose_db_version SET checksum = 'another' WHERE version_id = 1", false},
				{"one is missing", "DELETE FROM goose_db_version WHERE version_id = 1", false},
			}
			for _, s := range steps {
				if err := d.Exec(s.change); err != nil {
					t.Fatal(err)
				}
				if err := d.Ready(t.Context()); (err == nil) != s.ready {
					t.Errorf("%s: %v", s.name, err)
				}
			}
		})
	}
}

// What was applied is noted, and nothing is migrated on a schema that another
// text made.
func TestMigrateKeepsChecksums(t *testing.T) {
	t.Parallel()
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			d := storagetest.Open(t, engine)
			checksums := func() string {
				var sums sql.NullString
				err := d.SQL.QueryRowContext(t.Context(), map[string]string{
					storagetest.SQLite:   "SELECT group_concat(checksum) FROM (SELECT checksum FROM goose_db_version ORDER BY version_id)",
					storagetest.Postgres: "SELECT string_agg(checksum, ',' ORDER BY version_id) FROM goose_db_version",
				}[engine]).Scan(&sums)
				if err != nil {
					t.Fatal(err)
				}
				return sums.String
			}
			first := checksums()
			if got, want := strings.Count(first, ",")+1, len(status(t, d.DB, true)); got != want || len(first) < 64*want {
				t.Errorf("%d checksums of %d migrations: %s", got, want, first)
			}
			if err := d.Exec("UPDATE goose_db_version SET checksum = NULL"); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Migrate(t.Context()); err != nil || checksums() != first {
				t.Errorf("of an older release: %v, %s", err, checksums())
			}
			if err := d.Exec("UPDATE goose_db_version SET checksum = 'another' WHERE version_id = 3"); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "00003") {
				t.Errorf("on another's schema: %v", err)
			}
		})
	}
}
