package main

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
)

const (
	memoryAim  = 100 << 20
	memoryFlat = 1.2 // growth from the first mark that still counts as flat
	newcomers  = 20  // one sign-in in so many is of a new user
)

// measureMemory signs in many people and looks at the service's resident memory
// on the way, then floods it with challenges that are never answered.
func measureMemory(ctx context.Context, m *machine, t *table) error {
	defer m.stop()
	url, err := m.database(ctx)
	if err != nil {
		return err
	}
	service, err := m.service(ctx, m.binaries[0], url)
	if err != nil {
		return err
	}
	if _, _, err := resident(service.pid()); err != nil {
		return err
	}
	people, err := newWallets(max(1, m.signIns/newcomers))
	if err != nil {
		return err
	}
	l, err := newLoad(service.address, m.connections)
	if err != nil {
		return err
	}
	defer l.close()

	var first, now, peak int64
	done := 0
	for _, mark := range []int{m.signIns / 10, m.signIns / 2, m.signIns} {
		start := done
		if err := l.spread(mark-start, func(i int, c *client) error {
			_, err := people[(start+i)%len(people)].signIn(c, service.address)
			return err
		}); err != nil {
			return err
		}
		done = mark
		if now, peak, err = resident(service.pid()); err != nil {
			return err
		}
		if first == 0 {
			first = now
		}
		t.atMost(1, ratio(now, memoryAim), fmt.Sprintf("resident memory after %d sign-ins / 100 MB", done), "%s", mib(now))
	}
	t.atMost(memoryFlat, ratio(now, first), "resident memory at the end / at the first mark", "%s after %s; %s at its highest", mib(now), mib(first), mib(peak))

	before := now
	flood := m.signIns
	if err := l.spread(flood, func(_ int, c *client) error {
		var address common.Address
		_, _ = rand.Read(address[:])
		a, err := c.do(wallet{address: address.Hex()}.challengeFor(service.address, true))
		return orWant(err, a, 200)
	}); err != nil {
		return err
	}
	if now, peak, err = resident(service.pid()); err != nil {
		return err
	}
	t.atMost(1, ratio(peak, memoryAim), fmt.Sprintf("highest resident memory, %d challenges more / 100 MB", flood), "%s", mib(peak))
	t.atMost(memoryFlat, ratio(now, before), "resident memory after / before the flood", "%s after %s", mib(now), mib(before))
	return nil
}

func ratio(a, b int64) float64 { return float64(a) / float64(b) }

func mib(bytes int64) string { return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20)) }
