package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/latchkey/latchkey/storage"
)

const (
	scaleFrom    = 10_000 // users of the database that the large one is held against
	listAim      = 100 * time.Millisecond
	endingAim    = time.Second
	listTries    = 15
	scaleSignIns = 300
	eventsOfUser = 3
	sessionsOf   = 2 // of a user
)

// measureScale makes databases of 10,000 and of -users users by COPY, and holds what
// the larger one costs against the smaller.
func measureScale(ctx context.Context, m *machine, t *table) error {
	defer m.stop()
	var crowds [2]*gathering
	for i, users := range []int{scaleFrom, m.users} {
		g, err := newGathering(ctx, m, 0)
		if err != nil {
			return err
		}
		defer g.close(ctx)
		began := time.Now()
		if err := g.populate(ctx, users); err != nil {
			return err
		}
		crowds[i] = g
		var bytes int64
		if err := g.conn.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&bytes); err != nil {
			return err
		}
		t.note("%d users, %d sessions, %d events: %.1f kB a user, made in %s", users, users*sessionsOf, users*eventsOfUser,
			float64(bytes)/float64(users)/1000, time.Since(began).Round(time.Second))
	}
	var checks [2]*side
	var signIns [2]float64
	for i, users := range []int{scaleFrom, m.users} {
		cookies := make([]string, min(users*sessionsOf, drawn))
		for j := range cookies {
			cookies[j] = "latchkey=" + tokenOf(mathrand.IntN(users*sessionsOf)) //nolint:gosec // whom to draw needs no secrecy
		}
		var err error
		if checks[i], err = crowds[i].side(m, sessionPath, cookies); err != nil {
			return err
		}
	}
	if err := interleave(ctx, m.options, crowds[1].url, checks[0], checks[1]); err != nil {
		return err
	}
	t.grows(1.1, fmt.Sprintf("session check, read, %d users against %d", m.users, scaleFrom), checks[1], checks[0])
	for range scaleSignIns {
		for i, g := range crowds {
			began := time.Now()
			if _, err := g.signIn(g.service); err != nil {
				return err
			}
			signIns[i] += time.Since(began).Seconds()
		}
	}
	t.atMost(1.1, signIns[1]/signIns[0], fmt.Sprintf("sign-in, %d users against %d", m.users, scaleFrom), "%.1f ms", 1000*signIns[1]/scaleSignIns)
	large := crowds[1]
	if err := large.lists(t); err != nil {
		return err
	}
	if err := large.sweeps(ctx, t, m.users); err != nil {
		return err
	}
	return large.endsAll(t, m.users)
}

// populate fills the database by COPY, and makes whom it signs in an operator.
func (g *gathering) populate(ctx context.Context, users int) error {
	now := time.Now().UTC()
	id := func(kind byte, n int) [16]byte {
		return [16]byte{0x01, 0x90, 0, 0, 0, kind, 0x70, 0, 0x80, 0, 0, byte(n >> 32), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)} //nolint:gosec // the low bytes of a number
	}
	made := func(n, of int) time.Time {
		return now.Add(-29 * 24 * time.Hour * time.Duration(of-n) / time.Duration(of))
	}
	copied := func(table string, columns []string, rows int, row func(n int) []any) error {
		n := -1
		_, err := g.conn.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(func() ([]any, error) {
			if n++; n == rows {
				return nil, nil
			}
			return row(n), nil
		}))
		return err
	}
	err := errors.Join(
		copied("users", []string{"id", "display_name", "created_at", "updated_at"}, users, func(n int) []any {
			return []any{id(1, n), "Ada", made(n, users), now}
		}),
		copied("sessions", []string{"id", "user_id", "token_hash", "methods", "ip", "device", "created_at", "authenticated_at", "last_seen_at", "idle_expires_at", "expires_at"},
			users*sessionsOf, func(n int) []any {
				at := made(n, users*sessionsOf)
				return []any{id(2, n), id(1, n/sessionsOf), hashOf(tokenOf(n)), "google", "192.0.2.1", "Chrome on Linux", at, at, now.Add(24 * time.Hour), now.Add(7 * 24 * time.Hour), now.Add(30 * 24 * time.Hour)}
			}),
		copied("audit_events", []string{"id", "at", "action", "actor_id", "user_id", "session_id", "ip"}, users*eventsOfUser, func(n int) []any {
			user := n / eventsOfUser
			return []any{id(3, n), made(n, users*eventsOfUser), "session.created", id(1, user), id(1, user), id(2, user*sessionsOf), "192.0.2.1"}
		}),
	)
	if err != nil {
		return err
	}
	for _, statement := range []string{"UPDATE users SET operator = true WHERE display_name <> 'Ada'", "VACUUM ANALYZE"} {
		if _, err := g.conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func hashOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// lists asks for the operators' lists, by what is rare.
func (g *gathering) lists(t *table) error {
	c, err := dial(g.service.address)
	if err != nil {
		return err
	}
	defer c.close()
	const someone = "01900000-0001-7000-8000-000000000007"
	recent := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	for _, path := range []string{
		"/v1/admin/users", "/v1/admin/users?email=no%40example.com", "/v1/admin/sessions", "/v1/admin/sessions?status=active",
		"/v1/admin/sessions?user_id=" + someone, "/v1/admin/sessions?network=203.0.113.0%2F24", "/v1/admin/sessions?newer_than=3600",
		"/v1/admin/sessions?older_than=2592000", "/v1/admin/sessions?device=nothing", "/v1/admin/sessions?provider=nothing",
		"/v1/admin/audit", "/v1/admin/audit?action=rare.action", "/v1/admin/audit?ip=203.0.113.9", "/v1/admin/audit?user_id=" + someone,
		"/v1/admin/audit?actor_id=" + someone, "/v1/admin/audit?session_id=" + someone, "/v1/admin/audit?from=" + recent,
		"/v1/admin/audit?to=2020-01-01T00:00:00Z", "/v1/admin/duplicates", "/v1/admin/merges",
	} {
		var took []float64
		for range listTries {
			began := time.Now()
			a, err := c.do(get(g.service.address, path, g.cookie))
			if err := orWant(err, a, 200); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			took = append(took, time.Since(began).Seconds())
		}
		t.atMost(1, quantile(took, 0.5)/listAim.Seconds(), "GET "+path+" / 100 ms", "%.1f ms", 1000*quantile(took, 0.5))
	}
	return nil
}

// sweeps lets every hundredth session expire, and deletes them.
func (g *gathering) sweeps(ctx context.Context, t *table, users int) error {
	old := time.Now().Add(-60 * 24 * time.Hour).UTC()
	if _, err := g.conn.Exec(ctx, "UPDATE sessions SET expires_at = $1 WHERE user_id IN (SELECT id FROM users ORDER BY id LIMIT $2)", old, users/100); err != nil {
		return err
	}
	db, err := storage.Open(ctx, g.url, storage.Patient())
	if err != nil {
		return err
	}
	began := time.Now()
	gone, err := db.Sweep(ctx, time.Now().UTC(), time.Now().Add(-30*24*time.Hour).UTC())
	took := time.Since(began)
	if err = errors.Join(err, db.Close()); err != nil || gone == 0 {
		return errors.Join(err, fmt.Errorf("swept %d sessions", gone))
	}
	t.note("swept %d sessions at %.1f ms a hundred", gone, 100000*took.Seconds()/float64(gone))
	return nil
}

// endsAll ends everyone else's sessions, and waits until all are written down.
func (g *gathering) endsAll(t *table, users int) error {
	c, err := dial(g.service.address)
	if err != nil {
		return err
	}
	defer c.close()
	began := time.Now()
	a, err := c.do(post(g.service.address, "/v1/admin/sessions/revoke", g.cookie, []byte(`{"filter":{"others":true}}`)))
	if err := orWant(err, a, 202); err != nil {
		return err
	}
	took := time.Since(began)
	var job struct {
		ID, Status string
		Ended      int
	}
	if err := json.Unmarshal(a.body, &job); err != nil {
		return err
	}
	refused, err := c.do(get(g.service.address, sessionPath, "latchkey="+tokenOf(users*sessionsOf-1)))
	if err := orWant(err, refused, 401); err != nil {
		return fmt.Errorf("a session works on: %w", err)
	}
	t.atMost(1, took.Seconds()/endingAim.Seconds(), fmt.Sprintf("access of %d sessions ended / 1 s", users*sessionsOf), "%.0f ms", 1000*took.Seconds())
	before, _, err := resident(g.service.pid())
	most := before
	for err == nil && job.Status != "finished" {
		time.Sleep(50 * time.Millisecond)
		var now int64
		if now, _, err = resident(g.service.pid()); err != nil {
			return err
		}
		most = max(most, now)
		a, err := c.do(get(g.service.address, "/v1/admin/jobs/"+job.ID, g.cookie))
		if err := orWant(err, a, 200); err != nil {
			return err
		}
		if err := json.Unmarshal(a.body, &job); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	t.atMost(1, ratio(most, memoryAim), "resident memory while they are written down / 100 MB", "%s at most, %s before; %d in %s",
		mib(most), mib(before), job.Ended, time.Since(began).Round(time.Second))
	return nil
}
