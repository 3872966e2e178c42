package storagetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/storage"
)

// migrated is a SQLite file with the newest schema and nothing in it. It is made
// once: under the race detector the migrations take longer than most tests.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "latchkey-test-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "latchkey.db")
	db, err := storage.Open(context.Background(), "sqlite://"+file)
	if err != nil {
		return nil, err
	}
	_, err = db.Migrate(context.Background())
	if closing := db.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(file) //nolint:gosec // the one just made
})

// MigratedSQLite returns the URL of a new SQLite database with the newest schema.
func MigratedSQLite(t testing.TB) string {
	t.Helper()
	content, err := migrated()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "latchkey.db")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite://" + file
}
