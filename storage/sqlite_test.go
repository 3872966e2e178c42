package storage_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// While somebody reads for long the log beside the file grows; afterwards it is
// cut back. Other users may not read any of the files.
func TestSQLiteLogIsCutBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "latchkey.db")
	db := storagetest.Connect(t, "sqlite://"+path)
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := &storagetest.Database{DB: db, Engine: storagetest.SQLite, URL: "sqlite://" + path, Clock: storagetest.NewClock()}
	reading, stop := context.WithCancel(t.Context())
	reader := storagetest.ConnectSQL(t, d.URL)
	tx, err := reader.BeginTx(reading, nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := tx.QueryRowContext(reading, "SELECT count(*) FROM users").Scan(&n); err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("the log has mode %v", info.Mode())
		}
		return info.Size()
	}
	u := d.User(t)
	const limit = 16 << 20
	for i := 0; size() < limit+(4<<20); i++ {
		u.DisplayName = strings.Repeat("x", 1<<20)
		u.UpdatedAt = u.UpdatedAt.Add(time.Second)
		d.Do(t, func(ctx context.Context) error { return d.UpdateUser(ctx, u) })
	}
	_ = tx.Rollback()
	stop()
	for range 3 { // the first write after a full checkpoint begins the log again
		d.Do(t, func(ctx context.Context) error { return d.UpdateUser(ctx, u) })
	}
	if got := size(); got > limit {
		t.Errorf("the log still has %d bytes", got)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}
}
