package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	fewSessions  = 10_000
	manySessions = 1_000_000
	// drawn is how many of the sessions are asked about.
	drawn = 20_000

	smallTeam = 10
	largeTeam = 10_000
	// largeAtOnce is how many end in one transaction; more end by a job.
	largeAtOnce = 1_000
)

// sessionRows fill a database with $1 sessions, ten of each user. Their tokens
// are tokenOf. They were seen in the future, so that no check notes it.
var sessionRows = []string{
	`INSERT INTO users (id, display_name, created_at, updated_at)
	 SELECT USER, 'Ada', now(), now() FROM generate_series(1, $1::int / 10) AS u`,
	`INSERT INTO sessions (id, user_id, token_hash, methods, device, created_at, authenticated_at, last_seen_at, idle_expires_at, expires_at)
	 SELECT SESSION, USER, sha256(('token' || lpad(i::text, 38, '0'))::bytea), 'google', 'Chrome on Linux',
	 	now(), now(), now() + interval '1 day', now() + interval '7 days', now() + interval '30 days'
	 FROM generate_series(1, $1::int) AS i CROSS JOIN LATERAL (SELECT 1 + (i - 1) / 10 AS u) AS owner`,
}

// teamRows bring $2 sessions of different users into the team $1.
var teamRows = []string{
	`INSERT INTO memberships (team_id, user_id, role, created_at)
	 SELECT $1::text::uuid, USER, 'member', now() FROM generate_series(1, ($2::int + 9) / 10) AS u ON CONFLICT DO NOTHING`,
	`INSERT INTO team_sessions (id, team_id, session_id, user_id, created_at)
	 SELECT gen_random_uuid(), $1::text::uuid, SESSION, USER, now()
	 FROM generate_series(1, $2::int) AS i CROSS JOIN LATERAL (SELECT 1 + (i - 1) / 10 AS u) AS owner`,
}

// idsOf are the ids of the i-th session and the u-th user, which follow each
// other as those of version 7 do.
var idsOf = strings.NewReplacer(
	"SESSION", "('01900001-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid",
	"USER", "('01900000-0000-7000-8000-' || lpad(to_hex(u), 12, '0'))::uuid",
)

func tokenOf(i int) string { return fmt.Sprintf("token%038d", i) }

// measureSessions compares what checks cost among few and among many sessions,
// read from the database each time, then lists and ends a small and a large team
// among the many.
func measureSessions(ctx context.Context, m *machine, t *table) error {
	defer m.stop()
	var crowds [2]*gathering
	var checks [2]*side
	for i, n := range []int{fewSessions, manySessions} {
		g, err := newGathering(ctx, m, n)
		if err != nil {
			return err
		}
		defer g.close(ctx)
		crowds[i] = g
	}
	for i, n := range []int{fewSessions, manySessions} { // now, because unused connections are closed
		cookies := make([]string, min(n, drawn))
		for j := range cookies {
			cookies[j] = "latchkey=" + tokenOf(1+mathrand.IntN(n)) //nolint:gosec // whom to draw needs no secrecy
		}
		var err error
		if checks[i], err = crowds[i].side(m, sessionPath, cookies); err != nil {
			return err
		}
	}
	many := crowds[1]
	if err := interleave(ctx, m.options, many.url, checks[0], checks[1]); err != nil {
		return err
	}
	t.grows(1.1, fmt.Sprintf("session check, read, %d sessions against %d", manySessions, fewSessions), checks[1], checks[0])

	var lists [2]*side
	var teams [2]string
	for i, size := range []int{smallTeam, largeTeam} {
		var err error
		if teams[i], err = many.team(ctx, size); err != nil {
			return err
		}
	}
	for i, team := range teams {
		var err error
		if lists[i], err = many.side(m, team+"/sessions?limit=10", []string{many.cookie}); err != nil {
			return err
		}
	}
	if err := interleave(ctx, m.options, many.url, lists[0], lists[1]); err != nil {
		return err
	}
	t.grows(2, fmt.Sprintf("first page of a team's sessions, %d active against %d", largeTeam, smallTeam), lists[1], lists[0])
	return many.revokes(ctx, m, t)
}

// gathering is a service that remembers no sessions, its database with many of
// them, and somebody whose teams they are brought into.
type gathering struct {
	url     string
	service *child
	conn    *pgx.Conn
	proxy   *proxy
	counted *child // the same through the proxy
	who     wallet
	cookie  string
	loads   []load
}

func newGathering(ctx context.Context, m *machine, sessions int) (*gathering, error) {
	g := &gathering{}
	var err error
	if g.url, err = m.database(ctx); err != nil {
		return nil, err
	}
	if g.service, err = m.service(ctx, m.binaries[0], g.url, "LATCHKEY_SESSION_CACHE=0"); err != nil {
		return nil, err
	}
	people, err := newWallets(1)
	if err != nil {
		return nil, err
	}
	g.who = people[0]
	if g.conn, err = pgx.Connect(ctx, g.url); err != nil {
		return nil, err
	}
	if err := g.fill(ctx, sessionRows, sessions); err != nil {
		return nil, errors.Join(err, g.conn.Close(ctx))
	}
	g.cookie, err = g.signIn(g.service)
	return g, err
}

func (g *gathering) close(ctx context.Context) {
	for _, l := range g.loads {
		l.close()
	}
	if g.proxy != nil {
		g.proxy.close()
	}
	_ = g.conn.Close(context.WithoutCancel(ctx))
}

func (g *gathering) signIn(at *child) (string, error) {
	c, err := dial(at.address)
	if err != nil {
		return "", err
	}
	defer c.close()
	return g.who.signIn(c, at.address)
}

func (g *gathering) fill(ctx context.Context, rows []string, args ...any) error {
	for _, query := range rows {
		query = idsOf.Replace(query)
		if _, err := g.conn.Exec(ctx, query, args...); err != nil {
			return fmt.Errorf("%w: %s", err, query)
		}
	}
	_, err := g.conn.Exec(ctx, "VACUUM ANALYZE")
	return err
}

// side asks for a path with the cookies in turn.
func (g *gathering) side(m *machine, path string, cookies []string) (*side, error) {
	l, err := newLoad(g.service.address, m.connections)
	if err != nil {
		return nil, err
	}
	g.loads = append(g.loads, l)
	return &side{child: g.service, round: sessionRound(g.service.address, path, l, cookies), postgres: g.conn}, nil
}

// team makes a team that so many sessions have entered, and returns its path.
func (g *gathering) team(ctx context.Context, sessions int) (string, error) {
	c, err := dial(g.service.address)
	if err != nil {
		return "", err
	}
	defer c.close()
	a, err := c.do(post(g.service.address, "/v1/teams", g.cookie, []byte(`{"name":"Benchmark"}`)))
	if err := orWant(err, a, 201); err != nil {
		return "", err
	}
	var made struct{ ID string }
	if err := json.Unmarshal(a.body, &made); err != nil {
		return "", err
	}
	return "/v1/teams/" + made.ID, g.fill(ctx, teamRows, made.ID, sessions)
}

// revokes counts what ending all sessions of a team asks of the database: the
// lesser of two times, because the service has work of its own to do, too.
func (g *gathering) revokes(ctx context.Context, m *machine, t *table) (err error) {
	var through string
	if g.proxy, through, err = newProxy(g.url); err != nil {
		return err
	}
	if g.counted, err = m.service(ctx, m.binaries[0], through, "LATCHKEY_SESSION_CACHE=0"); err != nil {
		return err
	}
	cookie, err := g.signIn(g.counted)
	if err != nil {
		return err
	}
	var asked [2]int
	var took time.Duration
	for i, size := range []int{smallTeam, largeAtOnce} {
		for try := range 2 {
			team, err := g.team(ctx, size)
			if err != nil {
				return err
			}
			n, lasted, err := g.revoke(team, cookie, size)
			if err != nil {
				return err
			}
			if try == 0 || n < asked[i] {
				asked[i], took = n, lasted
			}
		}
	}
	t.atMost(1, float64(asked[1])/float64(asked[0]), fmt.Sprintf("statements to revoke %d team sessions by filter, against %d", largeAtOnce, smallTeam),
		"%d and %d on the wire; %.0f ms", asked[1], asked[0], 1000*took.Seconds())
	return nil
}

func (g *gathering) revoke(team, cookie string, sessions int) (statements int, took time.Duration, err error) {
	c, err := dial(g.counted.address)
	if err != nil {
		return 0, 0, err
	}
	defer c.close()
	var ended struct{ Count int }
	asked, _, err := g.proxy.during(func() error {
		start := time.Now()
		a, err := c.do(post(g.counted.address, team+"/sessions/revoke", cookie, []byte(`{"filter":{"provider":"google"}}`)))
		took = time.Since(start)
		if err := orWant(err, a, 200); err != nil {
			return err
		}
		return json.Unmarshal(a.body, &ended)
	})
	if err == nil && ended.Count != sessions {
		err = fmt.Errorf("%d sessions were ended, want %d", ended.Count, sessions)
	}
	return len(asked), took, err
}
