package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	replicas    = 3
	revocations = 300
	revokeAim   = 100 * time.Millisecond
)

// measureRevoke ends sessions that three replicas remember, at one of them, while
// all are under load, and asks every replica again and again. From the answer to
// the revocation to that of the first refusal is what it took there.
func measureRevoke(ctx context.Context, m *machine, t *table) error {
	defer m.stop()
	url, err := m.database(ctx)
	if err != nil {
		return err
	}
	var addresses [replicas]string
	for i := range addresses {
		c, err := m.service(ctx, m.binaries[0], url)
		if err != nil {
			return err
		}
		addresses[i] = c.address
	}
	cookies, err := signedIn(addresses[0])
	if err != nil {
		return err
	}
	loaded, stop := context.WithCancel(ctx)
	checked := make(chan loadResult, 1)
	go func() { checked <- keepChecking(loaded, m.connections, addresses, cookies) }()
	began := time.Now()
	took, stale, err := revokeAll(addresses)
	stop()
	lasted := time.Since(began)
	load := <-checked
	if err := errors.Join(err, load.err); err != nil {
		return err
	}
	for _, row := range []struct {
		what  string
		q     float64
		times []float64
	}{
		{"revocation until every replica has refused / 100 ms, 99th percentile", 0.99, took},
		{"revocation until the last check that is answered still / 100 ms, longest", 1, stale},
	} {
		t.atMost(1, quantile(row.times, row.q)/revokeAim.Seconds(), row.what, "p50 %.1f ms, p99 %.1f ms, longest %.1f ms of %d, under %.0f checks a second",
			1000*quantile(row.times, 0.5), 1000*quantile(row.times, 0.99), 1000*quantile(row.times, 1), len(row.times), float64(load.checks)/lasted.Seconds())
	}
	return nil
}

type loadResult struct {
	checks int
	err    error
}

// keepChecking checks sessions at all replicas until ctx ends.
func keepChecking(ctx context.Context, connections int, addresses [replicas]string, cookies []string) loadResult {
	var mu sync.Mutex
	var out loadResult
	var all sync.WaitGroup
	for i := range connections {
		all.Go(func() {
			n, err := checkUntil(ctx, addresses[i%replicas], cookies, i)
			mu.Lock()
			defer mu.Unlock()
			out.checks += n
			out.err = errors.Join(out.err, err)
		})
	}
	all.Wait()
	return out
}

func checkUntil(ctx context.Context, address string, cookies []string, from int) (n int, err error) {
	c, err := dial(address)
	if err != nil {
		return 0, err
	}
	defer c.close()
	for ; ctx.Err() == nil; n++ {
		a, err := c.do(get(address, sessionPath, cookies[(from+n)%len(cookies)]))
		if err := orWant(err, a, 200); err != nil {
			return n, err
		}
	}
	return n, nil
}

// revokeAll returns the seconds until the last replica refused, and how long
// after the revocation was answered a check was sent that was answered still.
func revokeAll(addresses [replicas]string) (took, stale []float64, err error) {
	people, err := newWallets(1)
	if err != nil {
		return nil, nil, err
	}
	var to [replicas]*client
	for i := range to {
		if to[i], err = dial(addresses[i]); err != nil {
			return nil, nil, err
		}
		defer to[i].close()
	}
	for n := range revocations + 10 { // the first ten warm up
		cookie, err := people[0].signIn(to[0], addresses[0])
		if err != nil {
			return nil, nil, err
		}
		for i := range to {
			for range 2 {
				a, err := to[i].do(get(addresses[i], sessionPath, cookie))
				if err := orWant(err, a, 200); err != nil {
					return nil, nil, err
				}
			}
		}
		longest, latest, err := revokeOne(to, addresses, n%replicas, cookie)
		if err != nil {
			return nil, nil, err
		}
		if n >= 10 {
			took, stale = append(took, longest.Seconds()), append(stale, latest.Seconds())
		}
	}
	return took, stale, nil
}

// revokeOne signs out at one replica and watches all of them.
func revokeOne(to [replicas]*client, addresses [replicas]string, at int, cookie string) (longest, latest time.Duration, err error) {
	a, err := to[at].do(del(addresses[at], sessionPath, cookie))
	over := time.Now()
	if err := orWant(err, a, 204); err != nil {
		return 0, 0, err
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for i, c := range to {
		all.Go(func() {
			request := get(addresses[i], sessionPath, cookie)
			var lastAnswered time.Duration
			for {
				sent := time.Since(over)
				a, e := c.do(request)
				heard := time.Since(over)
				if e == nil && a.status == 200 {
					lastAnswered = sent
					continue
				}
				mu.Lock()
				defer mu.Unlock()
				longest, latest = max(longest, heard), max(latest, lastAnswered)
				if e := orWant(e, a, 401); e != nil {
					err = fmt.Errorf("after a revocation: %w", e)
				}
				return
			}
		})
	}
	all.Wait()
	return longest, latest, err
}
