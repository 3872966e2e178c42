package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"
	moderncsqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/latchkey/latchkey/identity"
)

// engine is the kind of database. Everything that differs between the two
// is in this file.
type engine int

const (
	postgres engine = iota
	sqlite
)

func (e engine) String() string {
	if e == sqlite {
		return "sqlite"
	}
	return "postgres"
}

// forUpdate holds the selected rows of the table until the transaction ends.
// NO KEY UPDATE, because a plain FOR UPDATE would also stop every insert that
// merely refers to the row. SQLite's immediate transactions hold everything.
func (e engine) forUpdate(q *bun.SelectQuery, alias string) *bun.SelectQuery {
	if e == sqlite {
		return q
	}
	return q.For("NO KEY UPDATE OF ?", bun.Ident(alias))
}

// forShare keeps the selected rows of the table as they are until the transaction
// ends. Others may do the same at once; forUpdate waits.
func (e engine) forShare(q *bun.SelectQuery, alias string) *bun.SelectQuery {
	if e == sqlite {
		return q
	}
	return q.For("SHARE OF ?", bun.Ident(alias))
}

// forUpdateSkipLocked is forUpdate that passes over rows which another
// transaction holds, so that workers take different rows.
func (e engine) forUpdateSkipLocked(q *bun.SelectQuery, alias string) *bun.SelectQuery {
	if e == sqlite {
		return q
	}
	return q.For("NO KEY UPDATE OF ? SKIP LOCKED", bun.Ident(alias))
}

// lockName holds a name, of which there may be no row, until the transaction
// ends. Two names that share a hash wait for each other needlessly. SQLite's
// immediate transactions wait for each other anyway.
func (e engine) lockName(ctx context.Context, tx bun.IDB, name string) error {
	if e == sqlite {
		return nil
	}
	_, err := tx.NewRaw("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", name).Exec(ctx)
	return e.normalise(err)
}

// tryLockName is lockName that does not wait: it reports whether it holds the
// name.
func (e engine) tryLockName(ctx context.Context, tx bun.IDB, name string) (bool, error) {
	if e == sqlite {
		return true, nil
	}
	var held bool
	err := tx.NewRaw("SELECT pg_try_advisory_xact_lock(hashtextextended(?, 0))", name).Scan(ctx, &held)
	return held, e.normalise(err)
}

// lowerASCII is a text column with its ASCII letters in lower case.
func (e engine) lowerASCII(column string) string {
	if e == sqlite {
		return "lower(" + column + ")"
	}
	return "lower(" + column + ` COLLATE "C")`
}

// param is the n-th placeholder, from 1, of a statement that is not written by
// bun.
func (e engine) param(n int) string {
	if e == sqlite {
		return fmt.Sprintf("?%d", n)
	}
	return fmt.Sprintf("$%d", n)
}

// forUpdateSQL is forUpdate for a statement that is not written by bun.
func (e engine) forUpdateSQL(alias string) string {
	if e == sqlite {
		return ""
	}
	return " FOR NO KEY UPDATE OF " + alias
}

// normalise turns driver errors into ErrConflict, ErrUnavailable, errRetry or
// identity.ErrNotFound; others pass. It is the only place that knows drivers.
func (e engine) normalise(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return identity.ErrNotFound
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch {
		case pg.Code == "23505":
			return &ErrConflict{Constraint: pg.ConstraintName, err: err}
		case pg.Code == "40001", pg.Code == "40P01", pg.Code == "23503", isUnprepared(pg), isStale(pg):
			// 23503: what the row refers to went between reading and writing; the last
			// two: see prepared.failed.
			return &retryError{err}
		case pg.Code == "55P03":
			return &ErrUnavailable{err} // lock_timeout: the holder is stuck
		case pg.Code[:2] == "57", pg.Code[:2] == "53", pg.Code[:2] == "08":
			return &ErrUnavailable{err} // shutting down, out of resources, connection
		case pg.Code == "25006":
			return &ErrUnavailable{err} // a standby: read-only until promoted
		case e.undefined(err):
			return &ErrUnavailable{err} // migrations are still to come
		case pg.Code == "25P03", pg.Code == "25P04":
			return &ErrUnavailable{err} // ended by the server: the transaction stood still
		}
		return err
	}
	var lite *moderncsqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_CONSTRAINT:
			if c := lite.Code(); c == sqlite3.SQLITE_CONSTRAINT_UNIQUE || c == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY {
				return &ErrConflict{Constraint: sqliteColumns(lite.Error()), err: err}
			}
			return err
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			return &retryError{err}
		case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY:
			return &ErrUnavailable{err}
		}
		if e.undefined(err) {
			return &ErrUnavailable{err}
		}
		return err
	}
	var connect *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, sql.ErrConnDone) || isClosed(err) {
		return &ErrUnavailable{err}
	}
	return err
}

// isClosed reports whether a connection went away under a statement; pgx has no
// type for it.
func isClosed(err error) bool {
	s := err.Error()
	return strings.Contains(s, "conn closed") || strings.Contains(s, "unexpected EOF") || strings.Contains(s, "bad connection")
}

// sqliteColumns cuts "table.column, table.column" out of SQLite's message,
// which is all it tells of a unique constraint.
func sqliteColumns(message string) string {
	_, columns, _ := strings.Cut(message, "constraint failed: ")
	columns, _, _ = strings.Cut(strings.TrimPrefix(columns, "UNIQUE constraint failed: "), " (")
	return columns
}

// schemaQuery asks which migrations are applied, with a checksum each, and
// whether the server takes changes at all.
func (e engine) schemaQuery(checksum string) string {
	if e == sqlite {
		return "SELECT false AS read_only, group_concat(version_id || ':' || " + checksum + ", ' ') AS applied FROM goose_db_version WHERE is_applied"
	}
	return "SELECT current_setting('transaction_read_only') = 'on' AS read_only, string_agg(version_id || ':' || " + checksum + ", ' ') AS applied FROM goose_db_version WHERE is_applied"
}

// undefined reports whether a statement named a table or a column that is not
// there.
func (e engine) undefined(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "42P01" || pg.Code == "42703"
	}
	return e == sqlite && err != nil && (strings.Contains(err.Error(), "no such table") || strings.Contains(err.Error(), "no such column"))
}

// sanitizeKey is a text by which anyone may look for something. Neither engine
// keeps a NUL or what is not UTF-8, so there is nothing to find, and no error.
func sanitizeKey(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}
