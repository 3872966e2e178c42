package storage

import (
	"database/sql"
	"time"
)

// Pool is a pool of connections to the database.
type Pool struct {
	Name            string // postgres, or read and write of SQLite
	Used, Idle, Max int
	Waits           uint64 // for a connection, because none was idle
	Waited          time.Duration
}

// Pools returns the pools as they are now.
func (db *DB) Pools() []Pool {
	if db.pool != nil {
		s := db.pool.Stat()
		return []Pool{{
			Name: "postgres", Used: int(s.AcquiredConns()), Idle: int(s.IdleConns()), Max: int(s.MaxConns()),
			Waits: uint64(s.EmptyAcquireCount()), Waited: s.EmptyAcquireWaitTime(), //nolint:gosec // a count
		}}
	}
	of := func(name string, s sql.DBStats) Pool {
		return Pool{
			Name: name, Used: s.InUse, Idle: s.Idle, Max: s.MaxOpenConnections,
			Waits: uint64(s.WaitCount), Waited: s.WaitDuration, //nolint:gosec // a count
		}
	}
	return []Pool{of("read", db.read.Stats()), of("write", db.write.Stats())}
}
