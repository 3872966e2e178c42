package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/linking"
	"github.com/latchkey/latchkey/storage"
)

const (
	fewUsers    = 10_000
	manyUsers   = 1_000_000
	decisionAim = 1.2
)

// measureDecision compares what it costs to decide about a sign-in among few and
// among many users: without HTTP and cryptography around it, which would hide a
// difference. Who signs in is drawn from all users alike.
func measureDecision(ctx context.Context, m *machine, t *table) error {
	for _, engine := range []string{"PostgreSQL", "SQLite"} {
		var crowds [2]*crowd
		for i, users := range []int{fewUsers, manyUsers} {
			url := "sqlite://" + filepath.Join(m.dir, fmt.Sprintf("crowd-%d.db", users))
			if engine == "PostgreSQL" {
				var err error
				if url, err = m.database(ctx); err != nil {
					return err
				}
			}
			c, err := newCrowd(ctx, url, users)
			if err != nil {
				return err
			}
			defer c.close(ctx)
			crowds[i] = c
		}
		for _, one := range []struct {
			what string
			call func(*crowd, context.Context) error
		}{
			{"decision about a sign-in", (*crowd).decide},
			{"whole sign-in of a known user", (*crowd).signIn},
		} {
			few, many, err := inTurn(ctx, m.options, crowds, one.call)
			if err != nil {
				return err
			}
			t.grows(decisionAim, fmt.Sprintf("%s, %s, %d users against %d", one.what, engine, manyUsers, fewUsers), many, few)
		}
	}
	return nil
}

// inTurn measures a call among few and among many, a round at a time.
func inTurn(ctx context.Context, o options, crowds [2]*crowd, call func(*crowd, context.Context) error) (few, many *side, err error) {
	sides := [2]*side{{}, {}}
	lasting := o.duration / time.Duration(o.rounds)
	for i := -2; i < o.rounds; i++ { // the first two warm up
		for j := range crowds {
			if i%2 != 0 {
				j = 1 - j
			}
			calls := 0
			wall, cpu, err := crowds[j].during(ctx, func() error {
				for start := time.Now(); time.Since(start) < lasting; calls++ {
					if err := call(crowds[j], ctx); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return nil, nil, err
			}
			if i < 0 {
				continue
			}
			sides[j].wall = append(sides[j].wall, wall.Seconds()/float64(calls))
			if cpu > 0 {
				sides[j].all = append(sides[j].all, cpu.Seconds()/float64(calls))
			}
		}
	}
	return sides[0], sides[1], nil
}

// during measures one stretch of work: by the clock, and in CPU time of this
// process and of PostgreSQL, 0 where that cannot be had.
func (c *crowd) during(ctx context.Context, work func() error) (wall, cpu time.Duration, err error) {
	if c.conn == nil {
		start, before := time.Now(), ownTime()
		err = work()
		return time.Since(start), ownTime() - before, err
	}
	m := &meter{server: os.Getpid(), postgres: c.conn}
	if err := m.during(ctx, work); err != nil || m.noCPU {
		return m.wall, 0, err
	}
	return m.wall, m.allCPU - m.serverCPU, nil // this process is in it as server and as load generator
}

// crowd is a database with so many users, each with an address and two identities.
type crowd struct {
	db      *storage.DB
	conn    *pgx.Conn // PostgreSQL only
	linking *linking.Service
	users   int
	calls   int
}

func newCrowd(ctx context.Context, url string, users int) (*crowd, error) {
	db, err := storage.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	if _, err := db.Migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := fillCrowd(ctx, url, users); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	var conn *pgx.Conn
	if strings.HasPrefix(url, "postgres") {
		if conn, err = pgx.Connect(ctx, url); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	sessions := session.NewService(db, nil, session.Limits{Idle: time.Hour, Lifetime: time.Hour}, identity.SystemClock)
	return &crowd{db: db, conn: conn, users: users, linking: linking.NewService(db, sessions, linking.Options{
		Policy: linking.PolicyAuto, Usable: func(string) bool { return true },
	}, identity.SystemClock)}, nil
}

func (c *crowd) close(ctx context.Context) {
	_ = c.db.Close()
	if c.conn != nil {
		_ = c.conn.Close(context.WithoutCancel(ctx))
	}
}

// proof is a proof of an existing identity.
func (c *crowd) proof() identity.Proof {
	n := 1 + mathrand.IntN(c.users) //nolint:gosec // whom to draw needs no secrecy
	return identity.Proof{
		Provider: identity.ProviderGoogle, Subject: fmt.Sprintf("subject%d", n), Purpose: identity.PurposeSignIn,
		Email: fmt.Sprintf("user%d@example.com", n), EmailAuthoritative: true,
	}
}

// decide asks what would happen, in turn, about an identity that is known, a new
// one that vouches for a known address, and one of which nothing is known.
func (c *crowd) decide(ctx context.Context) error {
	p := c.proof()
	want := linking.ActionSignIn
	switch c.calls++; c.calls % 3 {
	case 1:
		p.Provider, p.Subject, want = identity.ProviderEmail, p.Email, linking.ActionJoin
	case 2:
		p.Subject, p.Email, want = "new "+p.Subject, "new"+p.Email, linking.ActionCreate
	}
	got, err := c.linking.Explain(ctx, p, nil)
	if err == nil && got.Decision.Action != want {
		err = fmt.Errorf("decided %s, want %s", got.Decision.Action, want)
	}
	return err
}

// signIn is the whole transaction: the secret burned, the session, the event.
func (c *crowd) signIn(ctx context.Context) error {
	p := c.proof()
	now := identity.SystemClock()
	hash := sha256.Sum256([]byte(rand.Text()))
	p.Secret = &identity.SingleUse{Hash: hash[:], ExpiresAt: now.Add(time.Hour)}
	r, err := c.linking.Apply(ctx, linking.Submission{Proof: p, BrowserHash: hash[:], Origin: identity.RequestOrigin{IP: "192.0.2.1", UserAgent: browser}})
	if err == nil && r.Outcome != linking.OutcomeSignedIn {
		err = fmt.Errorf("%s, want %s", r.Outcome, linking.OutcomeSignedIn)
	}
	return err
}

// crowdRows fill the tables from a series n(i), in words both engines have but
// for ID, an id from i, and HASH, 32 bytes. NOW is one instant.
var crowdRows = []string{
	`INSERT INTO users (id, display_name, created_at, updated_at) SELECT ID, 'Ada', NOW, NOW FROM n`,
	`INSERT INTO emails (address, user_id, source, verified_at) SELECT 'user' || i || '@example.com', ID, 'google', NOW FROM n`,
	`INSERT INTO identities (id, user_id, provider, subject, email, email_authoritative, created_at, last_used_at)
	 SELECT ID, ID, 'google', 'subject' || i, 'user' || i || '@example.com', true, NOW, NOW FROM n`,
	`INSERT INTO identities (id, user_id, provider, subject, email, created_at, last_used_at)
	 SELECT OTHER, ID, 'github', 'subject' || i, 'user' || i || '@example.com', NOW, NOW FROM n`,
	`INSERT INTO sessions (id, user_id, identity_id, token_hash, methods, created_at, authenticated_at, last_seen_at, idle_expires_at, expires_at)
	 SELECT ID, ID, ID, HASH, 'google', NOW, NOW, NOW, NOW, NOW FROM n`,
}

func fillCrowd(ctx context.Context, url string, users int) error {
	driver, source, series, after := "pgx", url, "WITH n AS (SELECT generate_series(1, %d) AS i) ", "VACUUM ANALYZE"
	words := []string{
		"OTHER", "('01900001-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid", "ID", "('01900000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid",
		"HASH", "sha256(i::text::bytea)", "NOW", "timestamptz '2026-01-02 03:04:05+00:00'",
	}
	if path, sqlite := strings.CutPrefix(url, "sqlite://"); sqlite {
		driver, source, after = "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)", "ANALYZE"
		series = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
		words = []string{
			"OTHER", "printf('01900001-0000-7000-8000-%012x', i)", "ID", "printf('01900000-0000-7000-8000-%012x', i)",
			"HASH", "randomblob(32)", "NOW", "'2026-01-02 03:04:05+00:00'",
		}
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for _, rows := range crowdRows {
		into, from, _ := strings.Cut(rows, " SELECT ")
		into, list, _ := strings.Cut(into, "(")
		query := into + "(" + list + " " + fmt.Sprintf(series, users) + "SELECT " + strings.NewReplacer(words...).Replace(from) //nolint:gosec // all of it is written above
		if _, err := db.ExecContext(ctx, query); err != nil {
			return fmt.Errorf("%w: %s", err, query)
		}
	}
	_, err = db.ExecContext(ctx, after)
	return err
}
