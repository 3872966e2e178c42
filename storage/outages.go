package storage

import (
	"errors"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"
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

type outages struct{ tooLong, locked, readOnly, full atomic.Uint64 }

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
