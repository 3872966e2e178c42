package main

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/latchkey/latchkey/internal/testkit/pgwire"
)

// measureStatements counts on the wire what one session check, one challenge and
// one sign-in ask of the database, and by PostgreSQL's own transaction ids how
// many of its transactions write.
func measureStatements(ctx context.Context, m *machine, t *table) error {
	defer m.stop()
	direct, err := m.database(ctx)
	if err != nil {
		return err
	}
	p, through, err := newProxy(direct)
	if err != nil {
		return err
	}
	defer p.close()
	service, err := m.service(ctx, m.binaries[0], through)
	if err != nil {
		return err
	}
	people, err := newWallets(1)
	if err != nil {
		return err
	}
	c, err := dial(service.address)
	if err != nil {
		return err
	}
	defer c.close()
	w := people[0]
	var cookie string
	for range 5 { // until what is prepared once has been
		if cookie, err = w.signIn(c, service.address); err != nil {
			return err
		}
		if _, err := c.do(get(service.address, sessionPath, cookie)); err != nil {
			return err
		}
	}

	asked, _, err := p.during(func() error {
		a, err := c.do(get(service.address, sessionPath, cookie))
		return orWant(err, a, 200)
	})
	if err != nil {
		return err
	}
	t.atMost(1, float64(len(asked)), "statements of a session check", "%s", gists(asked))

	var challenge answer
	asked, _, err = p.during(func() error {
		challenge, err = c.do(w.challengeFor(service.address, true))
		return orWant(err, challenge, 200)
	})
	if err != nil {
		return err
	}
	t.atMost(0, float64(len(asked)), "statements of a challenge", "%s", gists(asked))

	request, err := w.verifyFor(service.address, challenge)
	if err != nil {
		return err
	}
	asked, trips, err := p.during(func() error {
		a, err := c.do(request)
		return orWant(err, a, 200)
	})
	if err != nil {
		return err
	}
	t.note("a wallet sign-in asks, in %d round trips: %s", trips, gists(asked))
	begins := 0
	for _, s := range asked {
		if strings.HasPrefix(pgwire.Gist(s), "begin") {
			begins++
		}
	}
	t.atMost(1, float64(begins), "transactions of a wallet sign-in", "BEGIN on the wire")
	return measureWrites(ctx, t, direct, func() error { _, err := w.signIn(c, service.address); return err })
}

// measureWrites counts the transaction ids a sign-in uses: PostgreSQL gives one
// to each transaction that writes. Those of its own housekeeping are in it too.
func measureWrites(ctx context.Context, t *table, databaseURL string, signIn func() error) error {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	const signIns = 200
	next := func() (id int64, err error) {
		return id, conn.QueryRow(ctx, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").Scan(&id)
	}
	before, err := next()
	if err != nil {
		return err
	}
	for range signIns {
		if err := signIn(); err != nil {
			return err
		}
	}
	after, err := next()
	if err != nil {
		return err
	}
	t.atMost(1.05, float64(after-before)/signIns, "writing transactions of challenge and verify", "transaction ids of PostgreSQL over %d sign-ins", signIns)
	return nil
}

func gists(statements []string) string {
	if len(statements) == 0 {
		return "none"
	}
	out := slices.Clone(statements)
	for i := range out {
		out[i] = pgwire.Gist(out[i])
	}
	return strings.Join(out, ", ")
}
