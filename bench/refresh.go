package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	refreshPath = "/v1/token/refresh"
	refreshAim  = 0.85
	// familiesOf is how many devices refresh at each connection, in turn.
	familiesOf = 4
)

// measureRefresh compares refreshing with the same statements by hand: lock the
// family, read the session, write the generation, and sign an access token. Each
// device uses what it got last.
func measureRefresh(ctx context.Context, m *machine, t *table) error {
	defer m.stop()
	url, err := m.database(ctx)
	if err != nil {
		return err
	}
	service, err := m.service(ctx, m.binaries[0], url, "LATCHKEY_CLIENTS=web=https://api.example.com")
	if err != nil {
		return err
	}
	bare, err := m.bare(ctx, url)
	if err != nil {
		return err
	}
	tokens, err := refreshTokens(service.address, m.connections*familiesOf)
	if err != nil {
		return err
	}
	byHand, err := familiesByHand(ctx, url, m.connections*familiesOf)
	if err != nil {
		return err
	}
	var sides []*side
	for _, s := range []struct {
		child  *child
		tokens []string
	}{{service, tokens}, {bare, byHand}} {
		l, err := newLoad(s.child.address, m.connections)
		if err != nil {
			return err
		}
		defer l.close()
		sides = append(sides, &side{child: s.child, round: refreshRound(s.child.address, l, s.tokens)})
	}
	if err := interleave(ctx, m.options, url, sides...); err != nil {
		return err
	}
	t.compare("refresh against bare Gin + pgx", refreshAim, sides[0], sides[1])
	t.compareCPU("refresh", refreshAim, sides[0], sides[1])
	return nil
}

// refreshTokens signs people in and lets the client web have a refresh token of each.
func refreshTokens(address string, n int) ([]string, error) {
	people, err := newWallets(n)
	if err != nil {
		return nil, err
	}
	c, err := dial(address)
	if err != nil {
		return nil, err
	}
	defer c.close()
	out := make([]string, n)
	for i, w := range people {
		cookie, err := w.signIn(c, address)
		if err != nil {
			return nil, err
		}
		a, err := c.do(post(address, "/v1/token", cookie, []byte(`{"client_id":"web","offline":true}`)))
		if err := orWant(err, a, 200); err != nil {
			return nil, err
		}
		var made struct {
			RefreshToken string `json:"refresh_token"`
		}
		if err := json.Unmarshal(a.body, &made); err != nil {
			return nil, err
		}
		out[i] = made.RefreshToken
	}
	return out, nil
}

// familiesByHand makes a second family in each of the sessions. The handler by hand
// takes its id and generation for the token.
func familiesByHand(ctx context.Context, url string, n int) ([]string, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, `INSERT INTO refresh_families (id, session_id, user_id, client_id, seed, generation, created_at, rotated_at)
		SELECT gen_random_uuid(), session_id, user_id, client_id, seed, 1, now(), now() FROM refresh_families LIMIT $1 RETURNING id::text || '.1'`, n)
	if err != nil {
		return nil, err
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err == nil && len(out) < n {
		err = errors.New("too few families of refresh tokens")
	}
	return out, err
}

var refreshField = []byte(`"refresh_token":"`)

// refreshRound lets each connection refresh for its devices in turn.
func refreshRound(address string, l load, tokens []string) func(context.Context, *meter, time.Duration) (int, error) {
	return func(ctx context.Context, m *meter, lasting time.Duration) (total int, err error) {
		counts := make([]int, len(l))
		err = m.during(ctx, func() error {
			end := time.Now().Add(lasting)
			return l.each(func(i int, c *client) error {
				for n := 0; time.Now().Before(end); n++ {
					own := &tokens[i*familiesOf+n%familiesOf]
					a, err := c.do(post(address, refreshPath, "", []byte(`{"refresh_token":"`+*own+`","client_id":"web"}`)))
					if err := orWant(err, a, 200); err != nil {
						return err
					}
					_, rest, found := bytes.Cut(a.body, refreshField)
					next, _, ended := bytes.Cut(rest, []byte{'"'})
					if !found || !ended {
						return fmt.Errorf("no refresh token in %s", a.body)
					}
					*own = string(next)
					counts[i]++
				}
				return nil
			})
		})
		for _, n := range counts {
			total += n
		}
		return total, err
	}
}
