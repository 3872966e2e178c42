package storage

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/latchkey/latchkey/identity/session"
)

// maxUses bounds how many uses are written by one statement, and so for how long a
// change of one of their sessions waits.
const maxUses = 2000

const (
	// notWritten is what has to be written of a use n of a session s. A pause that a
	// proof has ended counts no more.
	notWritten = `s.id = n.id AND s.ended_at IS NULL
	AND (s.last_seen_at < n.at OR s.authenticated_at = n.proven AND s.longest_pause < n.pause)`
	setUses = `last_seen_at = CASE WHEN s.last_seen_at < n.at THEN n.at ELSE s.last_seen_at END,
	idle_expires_at = CASE WHEN s.last_seen_at < n.at THEN n.idle_expires_at ELSE s.idle_expires_at END,
	ip = CASE WHEN s.last_seen_at < n.at AND n.ip <> '' THEN n.ip ELSE s.ip END,
	ip_key = CASE WHEN s.last_seen_at < n.at AND n.ip <> '' THEN n.ip_key ELSE s.ip_key END,
	longest_pause = CASE WHEN s.authenticated_at = n.proven AND s.longest_pause < n.pause THEN n.pause ELSE s.longest_pause END`
	usesOfArrays = `unnest($1::text[]::uuid[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[], $5::bigint[], $6::text[], $7::bytea[])
	WITH ORDINALITY AS n (id, at, idle_expires_at, proven, pause, ip, ip_key, i)`
	// Two replicas that write uses of the same sessions, or what changes many sessions
	// at once, never wait for each other in a circle: this waits for no row. LIMIT keeps
	// it a loop.
	writeUses = `WITH held AS MATERIALIZED (SELECT n.id, n.at, n.idle_expires_at, n.proven, n.pause, n.ip, n.ip_key FROM ` + usesOfArrays + `, LATERAL (
		SELECT s.id FROM sessions AS s WHERE ` + notWritten + ` LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) AS free)
UPDATE sessions AS s SET ` + setUses + ` FROM held AS n WHERE s.id = n.id AND s.ended_at IS NULL`
	usesLeft = "SELECT n.i FROM " + usesOfArrays + ", LATERAL (SELECT s.id FROM sessions AS s WHERE " + notWritten + " LIMIT 1) AS behind"
)

// WriteUses implements session.Store.
func (db *DB) WriteUses(ctx context.Context, uses []session.Use) (left []session.Use, err error) {
	for len(uses) > 0 {
		some := uses[:min(len(uses), maxUses)]
		locked, err := db.writeUses(ctx, some)
		if err != nil {
			return append(left, uses...), err
		}
		left, uses = append(left, locked...), uses[len(some):]
	}
	return left, nil
}

func (db *DB) writeUses(ctx context.Context, uses []session.Use) (locked []session.Use, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if db.engine == sqlite {
		return nil, db.writeUsesLite(ctx, uses)
	}
	mode := pgx.QueryExecModeCacheStatement
	if db.hot.unprepared.Load() {
		mode = pgx.QueryExecModeExec
	}
	locked, err = db.writeUsesTogether(ctx, uses, mode)
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && isUnprepared(pg) {
		db.hot.unprepared.Store(true) // see prepared.failed
		locked, err = db.writeUsesTogether(ctx, uses, pgx.QueryExecModeExec)
	}
	if err != nil {
		db.outages.count(err)
	}
	return locked, db.engine.normalise(err)
}

func (db *DB) writeUsesTogether(ctx context.Context, uses []session.Use, mode pgx.QueryExecMode) ([]session.Use, error) {
	conn, err := connect(ctx, db.server, db.pool.Acquire)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	args := usesAsArrays(uses)
	written, err := conn.Exec(ctx, writeUses, append([]any{mode}, args...)...)
	if err != nil || written.RowsAffected() == int64(len(uses)) {
		return nil, err
	}
	rows, err := conn.Query(ctx, usesLeft, append([]any{mode}, args...)...)
	if err != nil {
		return nil, err
	}
	numbers, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	left := make([]session.Use, len(numbers))
	for at, i := range numbers {
		left[at] = uses[i-1]
	}
	return left, err
}

func usesAsArrays(uses []session.Use) []any {
	n := len(uses)
	ids, ips, keys, pauses := make([]string, n), make([]string, n), make([][]byte, n), make([]int64, n)
	at, idle, proven := make([]time.Time, n), make([]time.Time, n), make([]time.Time, n)
	for i, u := range uses {
		ids[i], ips[i], keys[i], pauses[i] = u.Session.String(), u.IP, ipKey(u.IP), int64(u.Pause)
		at[i], idle[i], proven[i] = u.At, u.IdleExpires, u.Proven
	}
	return []any{ids, at, idle, proven, pauses, ips, keys}
}

// writeUsesLite is for SQLite, which has one writer, so that no row is locked.
func (db *DB) writeUsesLite(ctx context.Context, uses []session.Use) error {
	args := make([]any, 0, 7*len(uses))
	for _, u := range uses {
		args = append(args, u.Session, u.At, u.IdleExpires, u.Proven, u.Pause, u.IP, ipKey(u.IP))
	}
	_, err := db.exec(ctx, db.write.NewRaw(`WITH n (id, at, idle_expires_at, proven, pause, ip, ip_key) AS (VALUES `+
		strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?, ?, ?), ", len(uses)), ", ")+`)
UPDATE sessions AS s SET `+setUses+` FROM n WHERE `+notWritten, args...))
	return err
}
