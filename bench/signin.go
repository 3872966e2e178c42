package main

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const wallets = 512

// measureSignIn compares the wallet sign-in of people who have signed in before
// with the same by hand: once with the message made by the service, once with
// one made by the client.
func measureSignIn(ctx context.Context, m *machine, t *table) error {
	defer m.stop()
	url, err := m.database(ctx)
	if err != nil {
		return err
	}
	var servers []*child
	for _, binary := range m.binaries {
		c, err := m.service(ctx, binary, url)
		if err != nil {
			return err
		}
		servers = append(servers, c)
	}
	bare, err := m.bare(ctx, url)
	if err != nil {
		return err
	}
	servers = append(servers, bare)
	people, err := newWallets(wallets)
	if err != nil {
		return err
	}
	if err := signInAll(servers[0].address, people); err != nil {
		return err
	}
	for _, ready := range []bool{true, false} {
		sides := make([]*side, 0, len(servers))
		for _, c := range servers {
			l, err := newLoad(c.address, m.connections)
			if err != nil {
				return err
			}
			defer l.close()
			sides = append(sides, &side{child: c, round: signInRound(c.address, l, people, ready)})
		}
		if err := interleave(ctx, m.options, url, sides...); err != nil {
			return err
		}
		what := "wallet sign-in, ready message"
		if !ready {
			what = "wallet sign-in, client's message"
		}
		last := len(sides) - 1
		for i, s := range sides[:last] {
			t.compare(what+" against bare Gin + pgx"+label(m, m.binaries[i]), 0.85, s, sides[last])
		}
	}
	return nil
}

// signInRound signs in as many people as fit the time, in three steps of which
// the second, the wallets' signatures, is not measured.
func signInRound(address string, l load, people []wallet, ready bool) func(context.Context, *meter, time.Duration) (int, error) {
	n := 4 * len(l)
	return func(ctx context.Context, m *meter, lasting time.Duration) (int, error) {
		done, challenges, requests := n, make([]answer, n), make([][]byte, n)
		for i := range requests {
			requests[i] = people[i%len(people)].challengeFor(address, ready)
		}
		if err := m.during(ctx, func() error {
			return l.spread(n, func(i int, c *client) error {
				a, err := c.do(requests[i])
				challenges[i] = a.keep()
				return orWant(err, a, 200)
			})
		}); err != nil {
			return 0, err
		}
		if err := parallel(n, func(i int) (err error) {
			requests[i], err = people[i%len(people)].verifyFor(address, challenges[i])
			return err
		}); err != nil {
			return 0, err
		}
		err := m.during(ctx, func() error {
			return l.spread(n, func(i int, c *client) error {
				a, err := c.do(requests[i])
				return orWant(err, a, 200)
			})
		})
		n = max(len(l), int(float64(n)*lasting.Seconds()/m.wall.Seconds())) // of the next round
		return done, err
	}
}

func orWant(err error, a answer, status int) error {
	if err != nil {
		return err
	}
	return a.want(status)
}

// parallel does jobs on every core.
func parallel(n int, job func(i int) error) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, n)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				errs[i] = job(i)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// signInAll makes everybody known.
func signInAll(address string, people []wallet) error {
	c, err := dial(address)
	if err != nil {
		return err
	}
	defer c.close()
	for _, w := range people {
		if _, err := w.signIn(c, address); err != nil {
			return err
		}
	}
	return nil
}
