package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/latchkey/latchkey/identity"
)

const (
	// changesChannel carries the ids that a transaction changed to all replicas.
	changesChannel = "latchkey_changes"
	everything     = "*"
	// maxNotified keeps a notification below PostgreSQL's 8000 bytes.
	maxNotified = 200

	// DefaultLease is how long after the last proof of hearing everything a cache
	// counts, so it is the longest that a revoked session can be answered anywhere.
	DefaultLease = 100 * time.Millisecond
	// proofTimeout is how long a proof may take at least until the connection is given up.
	proofTimeout = time.Second
)

// heartbeat is how often the proof of a lease is renewed.
func heartbeat(lease time.Duration) time.Duration { return lease * 3 / 10 }

// Changes receives the ids of users, sessions, identities, teams and team sessions that
// changed, by any replica or process, and the team.Topic of teams in which something changed.
type Changes interface {
	Forget(ids ...identity.ID)
	ForgetAll()
	// Trust says that every change that was committed before since has been
	// received; a cache may rely on that for d.
	Trust(since time.Time, d time.Duration)
}

// changed records ids of users, sessions, identities, teams or team sessions for those
// that remember something of them: this process hears when the transaction has
// ended, the others by PostgreSQL with the commit itself.
func (db *DB) changed(ctx context.Context, ids ...identity.ID) {
	tx := mustTx(ctx)
	tx.changed = append(tx.changed, ids...)
}

// changedAll is changed for more than can be named.
func (db *DB) changedAll(ctx context.Context) { mustTx(ctx).changedAll = true }

// notify adds the notification to what is sent with the commit.
func (db *DB) notify(tx *transaction) {
	if len(tx.changed) == 0 && !tx.changedAll || db.engine == sqlite {
		return
	}
	slices.SortFunc(tx.changed, func(a, b identity.ID) int { return bytes.Compare(a[:], b[:]) })
	tx.changed = slices.Compact(tx.changed)
	payload := everything
	if len(tx.changed) <= maxNotified && !tx.changedAll {
		words := make([]string, len(tx.changed))
		for i, id := range tx.changed {
			words[i] = id.String()
		}
		payload = strings.Join(words, " ")
	}
	tx.queue.add(statement{text: fmt.Sprintf("NOTIFY %s, '%s'", changesChannel, payload)})
}

// publishLocally notifies this process, whether the transaction is known to have committed
// or not.
func (db *DB) publishLocally(tx *transaction) {
	switch w := db.watcher.Load(); {
	case w == nil:
	case tx.changedAll:
		(*w).ForgetAll()
	case len(tx.changed) > 0:
		(*w).Forget(tx.changed...)
	}
}

// Watch tells w of all changes until ctx ends, and grants it trust as long as it
// can be sure to hear of them: on PostgreSQL while the connection that listens
// answers, on SQLite while the file can be asked for changes by other processes.
// It returns when ctx ends. There is one watcher.
func (db *DB) Watch(ctx context.Context, w Changes, log *slog.Logger) {
	db.watcher.Store(&w)
	defer w.Trust(time.Time{}, 0)
	listen := db.listen
	if db.engine == sqlite {
		listen = db.poll
	}
	first := heartbeat(DefaultLease)
	for wait := first; ctx.Err() == nil; {
		started := time.Now()
		err := listen(ctx, w)
		w.Trust(time.Time{}, 0)
		if ctx.Err() != nil {
			return
		}
		if time.Since(started) > time.Minute {
			wait = first
		}
		if wait == first {
			log.Warn("not hearing of changes: sessions are read from the database at each check", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, time.Second)
	}
}

// listen hears of changes by a connection of its own, which must lead to one
// server process: a pooler between would lose notifications.
func (db *DB) listen(ctx context.Context, w Changes) error {
	connecting, cancel := context.WithTimeout(ctx, db.direct.config.ConnConfig.ConnectTimeout)
	defer cancel()
	conn, err := db.direct.alone(connecting, func(c *pgx.ConnConfig) {
		c.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { handleNotification(w, n.Payload) }
	})
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), heartbeat(DefaultLease))
		defer cancel()
		_ = conn.Close(closing)
	}()
	if _, err := conn.Exec(connecting, "LISTEN "+changesChannel); err != nil {
		return err
	}
	w.ForgetAll() // what changed before was not heard
	for {
		asked := time.Now()
		if err := answers(ctx, conn, max(db.lease, proofTimeout)); err != nil {
			return err
		}
		w.Trust(asked, db.lease)
		again := asked.Add(heartbeat(db.lease))
		for time.Now().Before(again) {
			waiting, cancel := context.WithDeadline(ctx, again)
			err := conn.PgConn().WaitForNotification(waiting)
			cancel()
			if err != nil && (ctx.Err() != nil || !pgconn.Timeout(err)) {
				return err
			}
		}
	}
}

// answers asks the connection for a sign of life. All notifications of earlier
// commits come before the answer.
func answers(ctx context.Context, conn *pgx.Conn, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var pid uint32
	if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		return err
	}
	if pid != conn.PgConn().PID() {
		return errors.New("a pooler between Latchkey and PostgreSQL loses notifications; set LATCHKEY_DATABASE_DIRECT_URL")
	}
	return nil
}

func handleNotification(w Changes, payload string) {
	words := strings.Fields(payload)
	ids := make([]identity.ID, 0, len(words))
	for _, word := range words {
		id, err := uuid.Parse(word)
		if err != nil { // "*", or from a newer version
			w.ForgetAll()
			return
		}
		ids = append(ids, id)
	}
	w.Forget(ids...)
}

// poll asks the file whether another process has changed it: this process is
// notified of its own changes at once. data_version moves only by others' commits
// (https://sqlite.org/pragma.html#pragma_data_version), and all of ours go
// through this connection.
func (db *DB) poll(ctx context.Context, w Changes) error {
	last := int64(-1)
	for {
		var version int64
		asked := time.Now()
		if err := db.write.DB.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version); err != nil {
			return err
		}
		if version != last {
			w.ForgetAll()
			last = version
		}
		w.Trust(asked, DefaultLease)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(heartbeat(DefaultLease)):
		}
	}
}
