package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // the driver
)

// openSQLite opens a file that is there, by one connection.
func openSQLite(path, mode string) (*sql.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	q := url.Values{"mode": {mode}, "_pragma": {"busy_timeout(10000)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// takeSQLite copies one state of the database; writers go on meanwhile.
func takeSQLite(ctx context.Context, path, to string) error {
	db, err := openSQLite(path, "rw")
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return checkSQLite(ctx, to)
}

// checkSQLite refuses what is damaged, and what is another's database.
func checkSQLite(ctx context.Context, path string) error {
	db, err := openSQLite(path, "ro")
	if err != nil {
		return err
	}
	var state string
	var migrated int
	err = db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&state)
	if err == nil && state != "ok" {
		err = errors.New(state)
	}
	if err == nil {
		err = db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE name IN ('goose_db_version', 'users', 'audit_events')").Scan(&migrated)
	}
	if err == nil && migrated < 3 {
		err = errors.New("it is a database of something else")
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("%s is not a usable backup: %w", path, err)
	}
	return nil
}

func restoreSQLite(ctx context.Context, path, file string, replace bool) error {
	if err := checkSQLite(ctx, file); err != nil {
		return err
	}
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case info.Size() > 0 && !replace:
		return fmt.Errorf("%s: %w", path, ErrNotEmpty)
	case info.Size() > 0:
		if err := unused(ctx, path); err != nil {
			return err
		}
	}
	partial, err := partialOf(path)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(partial) }() // gone, when it has its name
	if err := copyFile(file, partial); err != nil {
		return err
	}
	for _, log := range []string{path + "-wal", path + "-shm", path + "-journal"} { // of what was there
		if err := os.Remove(log); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return keep(partial, path)
}

// unused refuses a database that a process has open: only a lone connection may leave
// the mode in which several share a log.
func unused(ctx context.Context, path string) error {
	db, err := openSQLite(path, "rw")
	if err != nil {
		return err
	}
	var mode string
	err = db.QueryRowContext(ctx, "PRAGMA busy_timeout = 1000").Scan(new(int))
	if err == nil {
		err = db.QueryRowContext(ctx, "PRAGMA journal_mode = DELETE").Scan(&mode)
	}
	if err = errors.Join(err, db.Close()); err == nil && mode != "delete" {
		err = errors.New("another process has it open")
	}
	if err != nil {
		return fmt.Errorf("%s is in use: stop the service first (%w)", path, err)
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from) //nolint:gosec // the operator names the file
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()           // only read
	out, err := os.OpenFile(to, os.O_WRONLY, 0) //nolint:gosec // it was just made
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
