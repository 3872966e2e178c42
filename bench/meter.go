package main

import (
	"context"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
)

// meter adds up what the measured part of a round took: by the clock, and in
// CPU time of the server, and of all who work for the request: the server, the
// load generator and PostgreSQL.
type meter struct {
	server   int // pid
	postgres *pgx.Conn

	wall, serverCPU, ownCPU, allCPU time.Duration
	noCPU                           bool // cannot be measured here

	took []float64 // seconds of each request or sign-in, where the round notes them
}

// during measures one stretch of work.
func (m *meter) during(ctx context.Context, work func() error) error {
	before, err := m.read(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	if err := work(); err != nil {
		return err
	}
	m.wall += time.Since(start)
	after, err := m.read(ctx)
	if err != nil {
		return err
	}
	m.serverCPU += after.server - before.server
	m.ownCPU += after.own - before.own
	m.allCPU += after.all - before.all
	return nil
}

type reading struct{ server, own, all time.Duration }

// read looks at everybody's CPU clock. The backends are asked for each time,
// because pools open connections as they need them.
func (m *meter) read(ctx context.Context) (reading, error) {
	var r reading
	rows, err := m.postgres.Query(ctx, "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	if err != nil {
		return r, err
	}
	backends, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return r, err
	}
	for _, pid := range append(backends, os.Getpid(), m.server) {
		used, err := cpuTime(pid)
		if err != nil {
			m.noCPU = true // not Linux, or PostgreSQL is in a container of its own
			continue
		}
		r.all += used
		if pid == m.server {
			r.server = used
		}
		if pid == os.Getpid() {
			r.own = used
		}
	}
	return r, nil
}
