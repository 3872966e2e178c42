// Package backup copies a database to a file and back: SQLite by itself, PostgreSQL by
// its own pg_dump and pg_restore.
package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrNotEmpty is that a restore would replace what is there.
var ErrNotEmpty = errors.New("there is a database already")

const sqliteScheme = "sqlite://"

// Take writes the database to a file that must not be there, while it is in use. The
// file is whole or not there. It holds everything, so only its owner may read it.
func Take(ctx context.Context, databaseURL, file string) error {
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already", file)
	}
	partial, err := partialOf(file)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(partial) }() // gone, when it has its name
	if path, ok := strings.CutPrefix(databaseURL, sqliteScheme); ok {
		err = takeSQLite(ctx, path, partial)
	} else {
		err = takePostgres(ctx, databaseURL, partial)
	}
	if err != nil {
		return err
	}
	return keep(partial, file)
}

// Restore puts a backup where the database is. Without replace it is an error,
// ErrNotEmpty, if there is one. Nothing may use it meanwhile.
func Restore(ctx context.Context, databaseURL, file string, replace bool) error {
	if info, err := os.Stat(file); err != nil {
		return err
	} else if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", file)
	}
	if path, ok := strings.CutPrefix(databaseURL, sqliteScheme); ok {
		return restoreSQLite(ctx, path, file, replace)
	}
	return restorePostgres(ctx, databaseURL, file, replace)
}

// Restored checks what other programs restored: that the database is one of Latchkey's, and
// that nothing uses it.
func Restored(ctx context.Context, databaseURL string) error {
	if path, ok := strings.CutPrefix(databaseURL, sqliteScheme); ok {
		return errors.Join(checkSQLite(ctx, path), unused(ctx, path))
	}
	return restoredPostgres(ctx, databaseURL)
}

// errInUse is that others are connected to the database.
func errInUse(others int) error {
	return fmt.Errorf("%d other connections use the database: stop the service first", others)
}

// partialOf is a new, empty file beside another.
func partialOf(file string) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*") // mode 0600
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// keep gives a file its name once it is on the disk.
func keep(partial, file string) error {
	f, err := os.OpenFile(partial, os.O_RDWR, 0) //nolint:gosec // it was just made
	if err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o600), f.Sync(), f.Close(), os.Rename(partial, file)); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
