package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const wallets = 512

// measureSignIn compares the wallet sign-in of people who have signed in before
// with the same by hand: with the message made by the service, in short rounds and
// one server at a time, and with one made by the client.
func measureSignIn(ctx context.Context, m *machine, t *table) error {
	defer m.stop()
	c, err := newContest(ctx, m)
	if err != nil {
		return err
	}
	defer c.close()
	for _, ready := range []bool{true, false} {
		sides, err := c.sides(m.connections, ready)
		if err != nil {
			return err
		}
		if err := interleave(ctx, m.options, c.url, sides...); err != nil {
			return err
		}
		what := "wallet sign-in, ready message"
		if !ready {
			what = "wallet sign-in, client's message"
		}
		c.compare(m, t, what, sides)
		if !ready {
			continue
		}
		if sides, err = alone(ctx, m.options, c.url, sides...); err != nil {
			return err
		}
		c.compare(m, t, what+", one server at a time", sides)
	}
	return nil
}

const (
	signInAim    = 1.0
	signInCPUAim = 0.95
	// The part tail.
	tailConnections = 256
	tailRounds      = 8
	tailAim         = 1.2
)

// measureTail compares the slowest sign-ins in a hundred when very many come at once.
func measureTail(ctx context.Context, m *machine, t *table) error {
	defer m.stop()
	c, err := newContest(ctx, m)
	if err != nil {
		return err
	}
	defer c.close()
	sides, err := c.sides(tailConnections, true)
	if err != nil {
		return err
	}
	o := m.options
	o.rounds = tailRounds
	if err := interleave(ctx, o, c.url, sides...); err != nil {
		return err
	}
	last := len(sides) - 1
	for i, s := range sides[:last] {
		mine, theirs := quantile(s.took, 0.99), quantile(sides[last].took, 0.99)
		t.atMost(tailAim, mine/theirs, fmt.Sprintf("99th percentile of a wallet sign-in, %d connections%s", tailConnections, label(m, m.binaries[i])),
			"%.0f and %.0f ms; median %.0f and %.0f ms; of %d and %d", 1000*mine, 1000*theirs,
			1000*quantile(s.took, 0.5), 1000*quantile(sides[last].took, 0.5), len(s.took), len(sides[last].took))
	}
	return nil
}

// contest is the binaries and, last, the handler by hand, on one database of people
// who have signed in.
type contest struct {
	url     string
	servers []*child
	people  []wallet
	loads   []load
}

func newContest(ctx context.Context, m *machine) (*contest, error) {
	url, err := m.database(ctx)
	if err != nil {
		return nil, err
	}
	c := &contest{url: url}
	for _, binary := range m.binaries {
		s, err := m.service(ctx, binary, url)
		if err != nil {
			return nil, err
		}
		c.servers = append(c.servers, s)
	}
	bare, err := m.bare(ctx, url)
	if err != nil {
		return nil, err
	}
	c.servers = append(c.servers, bare)
	if c.people, err = newWallets(wallets); err != nil {
		return nil, err
	}
	return c, signInAll(c.servers[0].address, c.people)
}

func (c *contest) close() {
	for _, l := range c.loads {
		l.close()
	}
}

func (c *contest) sides(connections int, ready bool) ([]*side, error) {
	sides := make([]*side, 0, len(c.servers))
	for _, s := range c.servers {
		l, err := newLoad(s.address, connections)
		if err != nil {
			return nil, err
		}
		c.loads = append(c.loads, l)
		sides = append(sides, &side{child: s, round: signInRound(s.address, l, c.people, ready)})
	}
	return sides, nil
}

func (c *contest) compare(m *machine, t *table, what string, sides []*side) {
	last := len(sides) - 1
	for i, s := range sides[:last] {
		t.compare(what+" against bare Gin + pgx"+label(m, m.binaries[i]), signInAim, s, sides[last])
		t.compareCPU(what+label(m, m.binaries[i]), signInCPUAim, s, sides[last])
	}
}

// signInRound signs in as many people as fit the time, in three steps of which
// the second, the wallets' signatures, is not measured.
func signInRound(address string, l load, people []wallet, ready bool) func(context.Context, *meter, time.Duration) (int, error) {
	n := 4 * len(l)
	return func(ctx context.Context, m *meter, lasting time.Duration) (int, error) {
		done, challenges, requests, took := n, make([]answer, n), make([][]byte, n), make([]float64, n)
		timed := func(i int, c *client) (answer, error) {
			began := time.Now()
			a, err := c.do(requests[i])
			took[i] += time.Since(began).Seconds()
			return a, err
		}
		for i := range requests {
			requests[i] = people[i%len(people)].challengeFor(address, ready)
		}
		if err := m.during(ctx, func() error {
			return l.spread(n, func(i int, c *client) error {
				a, err := timed(i, c)
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
				a, err := timed(i, c)
				return orWant(err, a, 200)
			})
		})
		m.took = append(m.took, took...)
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
