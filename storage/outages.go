package storage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	moderncsqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/latchkey/latchkey/identity"
)

// Outages are how often the database kept somebody waiting in vain since the
// process started.
type Outages struct {
	// TooLong were broken off: a transaction that waited for a frozen replica, or
	// a commit that no synchronous standby confirmed.
	TooLong uint64
	// Locked waited for a lock that somebody holds.
	Locked uint64
	// ReadOnly met a server that takes no changes.
	ReadOnly uint64
	// Full met a disk without space, or a server without a free connection.
	Full uint64
}

type outages struct {
	tooLong, locked, readOnly, full atomic.Uint64
	// noRoom counts the changes that met a full disk since the last one that did not.
	noRoom atomic.Uint64
}

// Outages counts what went wrong so far.
func (db *DB) Outages() Outages {
	o := &db.outages
	return Outages{o.tooLong.Load(), o.locked.Load(), o.readOnly.Load(), o.full.Load()}
}

func (o *outages) count(err error) {
	if err == nil {
		return
	}
	var pg *pgconn.PgError
	switch {
	case isDiskFull(err):
		o.full.Add(1)
		o.noRoom.Add(1)
	case errors.Is(err, errTooLong):
		o.tooLong.Add(1)
	case !errors.As(err, &pg):
	case pg.Code == "55P03":
		o.locked.Add(1)
	case pg.Code == "57014": // statement_timeout
		o.tooLong.Add(1)
	case pg.Code == "25006":
		o.readOnly.Add(1)
	case pg.Code[:2] == "53":
		o.full.Add(1)
	}
}

// isDiskFull reports whether a change was refused because the database's disk has no
// space left.
func isDiskFull(err error) bool {
	var pg *pgconn.PgError
	var lite *moderncsqlite.Error
	return errors.As(err, &pg) && pg.Code == "53100" || errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_FULL
}

// requireRoom returns an error while the disk is full, if a change has found it so.
// Nothing but a change says whether it still is, and there may be none, for
// the replica is not ready: so this makes one, of more pages than are likely to have
// room left, and deletes them again in the same transaction.
func (db *DB) requireRoom(ctx context.Context) error {
	met := db.outages.noRoom.Load()
	if met == 0 {
		return nil
	}
	rows := make([]burnedRow, 1000)
	for i := range rows {
		hash := make([]byte, 32)
		_, _ = rand.Read(hash) // never fails
		rows[i].SingleUse = identity.SingleUse{Hash: hash, ExpiresAt: time.Unix(0, 0).UTC()}
	}
	err := db.InTx(ctx, func(ctx context.Context) error {
		if err := db.insert(ctx, &rows); err != nil {
			return err
		}
		_, err := db.exec(ctx, db.writer(ctx).NewDelete().Model((*burnedRow)(nil)).Where("expires_at = ?", rows[0].ExpiresAt))
		return err
	})
	if err != nil {
		return fmt.Errorf("the disk was full: %w", err)
	}
	db.outages.noRoom.CompareAndSwap(met, 0) // unless another change met a full one meanwhile
	return nil
}
