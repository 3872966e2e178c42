package storagetest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/testpg"
	"github.com/latchkey/latchkey/storage"
)

// Migrated returns the URL of a new database with the newest schema. The schema is
// made once in a process, and copied: under the race detector the migrations take
// longer than most tests.
func Migrated(t testing.TB, engine string) string {
	t.Helper()
	if engine == Postgres {
		return migratedPostgres.Copy(t)
	}
	content, err := migratedSQLite()
	if err != nil {
		t.Fatal(err)
	}
	return sqliteFile(t, content)
}

// Copies returns a function that copies a database without connections.
func Copies(t *testing.T, engine, url string) (makeCopy func(t *testing.T) string) {
	t.Helper()
	if engine == Postgres {
		return func(t *testing.T) string { return testpg.Copy(t, url) }
	}
	content, err := os.ReadFile(strings.TrimPrefix(url, "sqlite://"))
	if err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T) string { return sqliteFile(t, content) }
}

func sqliteFile(t testing.TB, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "latchkey.db")
	if err := os.WriteFile(file, content, 0o600); err != nil { //nolint:gosec // in a folder of the test
		t.Fatal(err)
	}
	return "sqlite://" + file
}

var migratedPostgres = testpg.Template{Fill: migrate}

var migratedSQLite = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "latchkey-test-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "latchkey.db")
	if err := migrate(context.Background(), "sqlite://"+file); err != nil {
		return nil, err
	}
	return os.ReadFile(file) //nolint:gosec // the one just made
})

func migrate(ctx context.Context, databaseURL string) error {
	db, err := storage.Open(ctx, databaseURL)
	if err != nil {
		return err
	}
	_, err = db.Migrate(ctx)
	if closing := db.Close(); err == nil {
		err = closing
	}
	return err
}
