package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	mergeRounds = 5
	mergesPath  = "/v1/admin/merges"
)

// mergeSizes are the rows that a merge moves, each ten times the one before.
var mergeSizes = []int{10, 100, 1_000, 10_000, 100_000}

// measureMerge measures how merging two users, and taking that back, grows with
// the rows that move. An operator asks for it, so that no one has to prove two
// accounts each time; what is asked of the database is the same.
func measureMerge(ctx context.Context, m *machine, t *table) error {
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
	measured, err := newMerger(ctx, m, direct, direct)
	if err != nil {
		return err
	}
	defer measured.close(ctx)
	counted, err := newMerger(ctx, m, direct, through)
	if err != nil {
		return err
	}
	defer counted.close(ctx)

	took := [2][][]float64{make([][]float64, len(mergeSizes)), make([][]float64, len(mergeSizes))}
	for i := -1; i < mergeRounds; i++ { // the first warms up
		for j := range mergeSizes {
			if i%2 != 0 {
				j = len(mergeSizes) - 1 - j
			}
			merge, undo, err := measured.once(ctx, mergeSizes[j])
			if err != nil {
				return err
			}
			if i >= 0 {
				took[0][j], took[1][j] = append(took[0][j], merge.Seconds()), append(took[1][j], undo.Seconds())
			}
		}
	}
	var asked [2][2]int
	for i, rows := range []int{mergeSizes[0], mergeSizes[len(mergeSizes)-1]} {
		if asked[i], err = counted.count(ctx, p, rows); err != nil {
			return err
		}
	}
	for i, what := range []string{"merge", "undo"} {
		for j := 1; j < len(mergeSizes); j++ {
			few, many := mergeSizes[j-1], mergeSizes[j]
			ratios := ratiosOf(took[i][j], took[i][j-1])
			growth := float64(many) / float64(few)
			t.atMost(1, quantile(ratios, 0.5)/growth, fmt.Sprintf("%s of %d rows against %d: time / rows", what, many, few),
				"%.1f times as long, quartiles %.1f to %.1f of %d rounds; %.1f ms", quantile(ratios, 0.5),
				quantile(ratios, 0.25), quantile(ratios, 0.75), len(ratios), 1000*quantile(took[i][j], 0.5))
		}
		t.atMost(1, float64(asked[1][i])/float64(asked[0][i]), fmt.Sprintf("statements of %s, %d rows against %d", what, mergeSizes[len(mergeSizes)-1], mergeSizes[0]),
			"%d and %d on the wire", asked[1][i], asked[0][i])
	}
	return nil
}

// merger is an operator at a service, and a way around it to the database.
type merger struct {
	service *child
	client  *client
	conn    *pgx.Conn
	who     wallet
	cookie  string
}

func newMerger(ctx context.Context, m *machine, direct, databaseURL string) (*merger, error) {
	service, err := m.service(ctx, m.binaries[0], databaseURL)
	if err != nil {
		return nil, err
	}
	people, err := newWallets(1)
	if err != nil {
		return nil, err
	}
	g := &merger{service: service, who: people[0]}
	if g.conn, err = pgx.Connect(ctx, direct); err != nil {
		return nil, err
	}
	if err := g.signIn(); err != nil {
		return nil, err
	}
	_, err = g.conn.Exec(ctx, "UPDATE users SET operator = true WHERE id = (SELECT user_id FROM identities WHERE wallet_address = $1)", g.who.address)
	return g, err
}

func (g *merger) close(ctx context.Context) {
	g.client.close()
	_ = g.conn.Close(context.WithoutCancel(ctx))
}

// signIn makes the operator fresh, on a connection that the service has not
// given up.
func (g *merger) signIn() (err error) {
	if g.client != nil {
		g.client.close()
	}
	if g.client, err = dial(g.service.address); err != nil {
		return err
	}
	g.cookie, err = g.who.signIn(g.client, g.service.address)
	return err
}

// once merges two new users, of whom one has so many rows, and undoes that.
func (g *merger) once(ctx context.Context, rows int) (merge, undo time.Duration, err error) {
	request, err := g.pair(ctx, rows)
	if err != nil {
		return 0, 0, err
	}
	var merged struct{ ID string }
	merge, err = g.timed(request, &merged)
	if err != nil {
		return 0, 0, fmt.Errorf("merge of %d rows: %w", rows, err)
	}
	undo, err = g.timed(g.undo(merged.ID), nil)
	if err != nil {
		return 0, 0, fmt.Errorf("undo of %d rows: %w", rows, err)
	}
	return merge, undo, nil
}

// count returns how many statements a merge and its undo are: the lesser of two
// times, because the service has work of its own to do, too.
func (g *merger) count(ctx context.Context, p *proxy, rows int) (asked [2]int, err error) {
	for i := range 2 {
		request, err := g.pair(ctx, rows)
		if err != nil {
			return asked, err
		}
		var merged struct{ ID string }
		for j := range asked {
			statements, _, err := p.during(func() error {
				_, err := g.timed(request, &merged)
				return err
			})
			if err != nil {
				return asked, err
			}
			if n := len(statements); i == 0 || n < asked[j] {
				asked[j] = n
			}
			request = g.undo(merged.ID)
		}
	}
	return asked, nil
}

func (g *merger) undo(id string) []byte {
	return post(g.service.address, mergesPath+"/"+id+"/undo", g.cookie, nil)
}

func (g *merger) timed(request []byte, into any) (time.Duration, error) {
	start := time.Now()
	a, err := g.client.do(request)
	took := time.Since(start)
	if err := orWant(err, a, 200); err != nil {
		return 0, err
	}
	if into == nil {
		return took, nil
	}
	return took, json.Unmarshal(a.body, into)
}

// pairRows give user $1 a team and n rows that a merge moves: eight sessions to
// one team session and one invitation that they sent. Ids follow each other as
// those of version 7 do.
var pairRows = []string{
	`INSERT INTO users (id, created_at, updated_at) VALUES ($1::text::uuid, now(), now())`,
	// A sign-in method that needs no credentials.
	`INSERT INTO identities (id, user_id, provider, subject, wallet_address, wallet_chain_id, wallet_kind, created_at, last_used_at)
	 VALUES ($1::text::uuid, $1::text::uuid, 'siwe', $1::text, $1::text, 1, 'eoa', now(), now())`,
	`INSERT INTO teams (id, name, created_at, updated_at) VALUES ($1::text::uuid, 'Keys', now(), now())`,
	`INSERT INTO memberships (team_id, user_id, role, created_at) VALUES ($1::text::uuid, $1::text::uuid, 'owner', now())`,
	`INSERT INTO sessions (id, user_id, identity_id, token_hash, methods, created_at, authenticated_at, last_seen_at, idle_expires_at, expires_at)
	 SELECT overlay($1::text PLACING lpad(to_hex(i), 12, '0') FROM 25)::uuid, $1::text::uuid, $1::text::uuid, sha256(($1::text || i)::bytea), 'siwe', now(), now(), now(),
	 	now() + interval '7 days', now() + interval '30 days'
	 FROM generate_series(1, $2::int * 8 / 10) AS i`,
	`INSERT INTO team_sessions (id, team_id, session_id, user_id, created_at)
	 SELECT id, $1::text::uuid, id, $1::text::uuid, now() FROM sessions WHERE user_id = $1::text::uuid ORDER BY id LIMIT $2::int / 10`,
	`INSERT INTO invitations (id, team_id, email, role, invited_by, created_at, expires_at)
	 SELECT overlay($1::text PLACING lpad(to_hex(i), 12, '0') FROM 25)::uuid, $1::text::uuid, 'guest' || i || '@example.com', 'member', $1::text::uuid, now(), now() + interval '7 days'
	 FROM generate_series(1, $2::int / 10) AS i`,
}

// pair makes two users, gives one of them the rows, and returns the request to
// merge them.
func (g *merger) pair(ctx context.Context, rows int) ([]byte, error) {
	if err := g.signIn(); err != nil { // filling the tables takes its time
		return nil, err
	}
	var source, survivor string
	err := g.conn.QueryRow(ctx, "SELECT gen_random_uuid()::text, gen_random_uuid()::text").Scan(&source, &survivor)
	if err != nil {
		return nil, err
	}
	for _, query := range pairRows {
		args := []any{source}
		if strings.Contains(query, "$2") {
			args = append(args, rows)
		}
		if _, err := g.conn.Exec(ctx, query, args...); err != nil {
			return nil, fmt.Errorf("%w: %s", err, query)
		}
	}
	for _, query := range pairRows[:2] {
		if _, err := g.conn.Exec(ctx, query, survivor); err != nil {
			return nil, err
		}
	}
	for _, table := range []string{"users", "sessions", "team_sessions", "invitations", "merge_items"} {
		if _, err := g.conn.Exec(ctx, "VACUUM (ANALYZE) "+table); err != nil {
			return nil, err
		}
	}
	body, err := json.Marshal(map[string]any{"user_ids": []string{source, survivor}, "survivor_id": survivor})
	return post(g.service.address, mergesPath, g.cookie, body), err
}
