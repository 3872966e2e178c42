package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"time"
)

// Many sessions, so that no single row is hot; not too many, because Latchkey
// notes once a minute for each that it was seen.
const sessions = 256

// measureSession compares the session check with the same read by hand. Both
// answer with the same JSON, from the same rows, for the same request.
func measureSession(ctx context.Context, m *machine, t *table) error {
	defer m.stop()
	url, err := m.database(ctx)
	if err != nil {
		return err
	}
	bare, err := m.bare(ctx, url)
	if err != nil {
		return err
	}
	type pair struct {
		what         string
		aim          float64
		ours, byHand *side
	}
	var pairs []pair
	var sides []*side
	var loads []load
	add := func(c *child, path string, cookies []string) (*side, error) {
		l, err := newLoad(c.address, m.connections)
		if err != nil {
			return nil, err
		}
		loads = append(loads, l)
		s := &side{child: c, round: sessionRound(c.address, path, l, cookies)}
		sides = append(sides, s)
		return s, nil
	}
	defer func() {
		for _, l := range loads {
			l.close()
		}
	}()
	var cookies []string
	for _, binary := range m.binaries {
		for _, kind := range []struct {
			what, env, byHand string
			aim               float64
		}{
			{"session check, remembered, against bare Gin", "LATCHKEY_SESSION_CACHE=20000", rememberedPath, 0.9},
			{"session check, read, against bare Gin + pgx", "LATCHKEY_SESSION_CACHE=0", sessionPath, 1.05},
		} {
			c, err := m.service(ctx, binary, url, kind.env)
			if err != nil {
				return err
			}
			if cookies == nil {
				if cookies, err = signedIn(c.address); err != nil {
					return err
				}
			}
			if err := sameAnswer(c.address, bare.address, kind.byHand, cookies); err != nil {
				return err
			}
			p := pair{what: kind.what + label(m, binary), aim: kind.aim}
			if p.ours, err = add(c, sessionPath, cookies); err == nil {
				p.byHand, err = add(bare, kind.byHand, cookies)
			}
			if err != nil {
				return err
			}
			pairs = append(pairs, p)
		}
	}
	if err := interleave(ctx, m.options, url, sides...); err != nil {
		return err
	}
	for _, p := range pairs {
		t.compare(p.what, p.aim, p.ours, p.byHand)
	}
	again, err := alone(ctx, m.options, url, sides...)
	if err != nil {
		return err
	}
	for i, p := range pairs {
		t.compare(p.what+", one server at a time", p.aim, again[2*i], again[2*i+1])
	}
	return nil
}

// measureSQLite is measureSession, without memory, on SQLite: the other side reads
// the same file by the same driver.
func measureSQLite(ctx context.Context, m *machine, t *table) error {
	defer m.stop()
	file := filepath.Join(m.dir, "session.db")
	url, err := m.database(ctx) // for the meter alone: nothing here uses it
	if err != nil {
		return err
	}
	c, err := m.service(ctx, m.binaries[0], "sqlite://"+file, "LATCHKEY_SESSION_CACHE=0")
	if err != nil {
		return err
	}
	cookies, err := signedIn(c.address)
	if err != nil {
		return err
	}
	bare, err := m.bare(ctx, "sqlite://"+file)
	if err != nil {
		return err
	}
	if err := sameAnswer(c.address, bare.address, sessionPath, cookies); err != nil {
		return err
	}
	var sides []*side
	for _, s := range []*child{c, bare} {
		l, err := newLoad(s.address, m.connections)
		if err != nil {
			return err
		}
		defer l.close()
		sides = append(sides, &side{child: s, round: sessionRound(s.address, sessionPath, l, cookies)})
	}
	if err := interleave(ctx, m.options, url, sides...); err != nil {
		return err
	}
	t.compare("session check, read, against bare Gin + SQLite", 0.85, sides[0], sides[1])
	return nil
}

func sessionRound(address, path string, l load, cookies []string) func(context.Context, *meter, time.Duration) (int, error) {
	requests := make([][]byte, len(cookies))
	for i, cookie := range cookies {
		requests[i] = get(address, path, cookie)
	}
	return func(ctx context.Context, m *meter, lasting time.Duration) (total int, err error) {
		counts := make([]int, len(l))
		err = m.during(ctx, func() error {
			end := time.Now().Add(lasting)
			return l.each(func(i int, c *client) error {
				for n := i; time.Now().Before(end); n++ {
					a, err := c.do(requests[n%len(requests)])
					if err := orWant(err, a, 200); err != nil {
						return err
					}
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

// signedIn makes as many sessions as are checked, through the service. Every second one enters a team,
// so that the joined read finds something to join.
func signedIn(address string) ([]string, error) {
	wallets, err := newWallets(sessions)
	if err != nil {
		return nil, err
	}
	c, err := dial(address)
	if err != nil {
		return nil, err
	}
	defer c.close()
	cookies := make([]string, len(wallets))
	for i, w := range wallets {
		if cookies[i], err = w.signIn(c, address); err != nil {
			return nil, err
		}
		if i%2 == 0 {
			continue
		}
		a, err := c.do(post(address, "/v1/teams", cookies[i], []byte(`{"name":"Benchmark"}`)))
		if err != nil {
			return nil, err
		}
		var team struct{ ID string }
		if err := json.Unmarshal(a.body, &team); err != nil {
			return nil, err
		}
		if a, err = c.do(post(address, "/v1/teams/"+team.ID+"/sessions", cookies[i], nil)); err == nil && a.status/100 != 2 {
			err = a.want(201)
		}
		if err != nil {
			return nil, fmt.Errorf("entering a team: %w", err)
		}
	}
	return cookies, nil
}

// sameAnswer makes sure that both sides do the same work.
func sameAnswer(service, bare, path string, cookies []string) error {
	for _, cookie := range cookies[:2] {
		ours, err := ask(service, sessionPath, cookie)
		if err != nil {
			return err
		}
		theirs, err := ask(bare, path, cookie)
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(ours, theirs) {
			return fmt.Errorf("the two sides answer differently:\n%v\n%v", ours, theirs)
		}
	}
	return nil
}

func ask(address, path, cookie string) (out map[string]any, err error) {
	c, err := dial(address)
	if err != nil {
		return nil, err
	}
	defer c.close()
	a, err := c.do(get(address, path, cookie))
	if err == nil {
		err = a.want(200)
	}
	if err != nil {
		return nil, err
	}
	return out, json.Unmarshal(a.body, &out)
}
