package storagetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/testpg"
	"github.com/latchkey/latchkey/migrations"
	"github.com/latchkey/latchkey/storage"
)

// Migrated returns the URL of a new database with the newest schema. The schema is
// made once, kept for other processes and copied: the migrations take longer than most
// tests.
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
		template := testpg.Template{URL: url}
		return func(t *testing.T) string { return template.Copy(t) }
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

var migratedPostgres = testpg.Template{Fill: migrate, Key: keyOf(migrations.Postgres())}

var migratedSQLite = sync.OnceValues(func() ([]byte, error) {
	dir, err := testkit.Kept("sqlite\n"+keyOf(migrations.SQLite()), func(dir string) error {
		return migrate(context.Background(), "sqlite://"+filepath.Join(dir, "latchkey.db"))
	})
	if err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "latchkey.db")) //nolint:gosec // the one just made
})

// keyOf is a hash of migrations, which the schema is all made from.
func keyOf(files fs.FS) string {
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".sql") {
			return err
		}
		text, err := fs.ReadFile(files, name)
		_, _ = fmt.Fprintf(sum, "%s %d\n%s", name, len(text), text)
		return err
	})
	if err != nil {
		panic(err) // they are in the binary
	}
	return hex.EncodeToString(sum.Sum(nil))
}

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
