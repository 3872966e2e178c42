package main

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/storage"
)

const (
	sealedEvents   = 100_000
	sealedTeams    = 100 // whose chains get every second event
	sealerAim      = 30_000
	sealerBytesAim = 50
)

// measureSealer records audit events, which nothing chains meanwhile, and then has
// them chained as serve does, in this process: events a second, and what PostgreSQL
// writes to its log for each. A checkpoint before lets it write whole pages for what
// is touched first, as it has to from time to time.
func measureSealer(ctx context.Context, m *machine, t *table) error {
	url, err := m.database(ctx)
	if err != nil {
		return err
	}
	db, err := storage.Open(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	trail := audit.NewService(db)
	for _, events := range []int{sealedEvents / 10, sealedEvents} { // the first warm up
		if err := recordEvents(ctx, db, events); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, "CHECKPOINT"); err != nil {
			return err
		}
		from, err := logPosition(ctx, conn)
		if err != nil {
			return err
		}
		use := &meter{postgres: conn, server: os.Getpid()}
		sealed := 0
		if err := use.during(ctx, func() error { sealed, err = trail.Seal(ctx); return err }); err != nil {
			return err
		}
		to, err := logPosition(ctx, conn)
		if err != nil {
			return err
		}
		if sealed < events {
			return fmt.Errorf("%d of %d events were chained", sealed, events)
		}
		if events < sealedEvents {
			continue
		}
		t.atLeast(1, float64(sealed)/use.wall.Seconds()/sealerAim, "audit events chained a second / 30,000", "%.0f a second; CPU time of an event %.1f us here, %.1f us of PostgreSQL",
			float64(sealed)/use.wall.Seconds(), use.ownCPU.Seconds()*1e6/float64(sealed), (use.allCPU-2*use.ownCPU).Seconds()*1e6/float64(sealed))
		t.atMost(1, float64(to-from)/float64(sealed)/sealerBytesAim, "PostgreSQL's log for chaining an event / 50 bytes", "%.0f bytes", float64(to-from)/float64(sealed))
	}
	return nil
}

func logPosition(ctx context.Context, conn *pgx.Conn) (at int64, err error) {
	return at, conn.QueryRow(ctx, "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint").Scan(&at)
}

// recordEvents records events of sign-ins, every second one of a team, a thousand in
// a transaction.
func recordEvents(ctx context.Context, db *storage.DB, n int) error {
	var teams [sealedTeams]identity.ID
	for i := range teams {
		teams[i] = identity.NewID()
	}
	for done := 0; done < n; done += 1000 {
		events := make([]identity.Event, 1000)
		for i := range events {
			user, session := identity.NewID(), identity.NewID()
			events[i] = identity.Event{
				ID: identity.NewID(), At: identity.SystemClock(), Action: identity.ActionSessionCreated, ActorID: &user, UserID: &user, SessionID: &session,
				IP: "192.0.2.1", UserAgent: browser, Data: identity.Metadata{"provider": "siwe", "outcome": "signed_in", "identity_id": user},
			}
			if i%2 == 0 {
				events[i].TeamID = &teams[i/2%sealedTeams]
			}
		}
		if err := db.InTx(ctx, func(ctx context.Context) error { return db.RecordEvents(ctx, events...) }); err != nil {
			return err
		}
	}
	return nil
}
