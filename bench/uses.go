package main

import (
	"context"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/latchkey/latchkey/identity/session"
)

const (
	usesOf    = 1_000_000 // sessions that are in use, each once a minute
	usesAim   = 0.3       // of a core
	usesAlone = 2_000     // sessions of which each use is written alone
)

// measureUses writes what a replica collects in a second when so many sessions are
// in use, again and again, and holds PostgreSQL's CPU time for it against a second.
// The table may be smaller than that (-active): the sessions are drawn from all.
func measureUses(ctx context.Context, m *machine, t *table) error {
	url, err := m.database(ctx)
	if err != nil {
		return err
	}
	c, err := newCrowd(ctx, url, m.active)
	if err != nil {
		return err
	}
	defer c.close(ctx)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) // as the crowd's sessions have it
	second := func(n int) []session.Use {
		now = now.Add(time.Minute)
		out := make([]session.Use, 0, n)
		for _, i := range mathrand.Perm(m.active)[:min(n, m.active)] { //nolint:gosec // whom to draw needs no secrecy
			out = append(out, session.Use{
				Session: uuid.MustParse(fmt.Sprintf("01900000-0000-7000-8000-%012x", i+1)), Was: now, At: now, IdleExpires: now.Add(time.Hour),
				Proven: now, Pause: time.Minute, IP: "192.0.2.1",
			})
		}
		return out
	}
	each := func(alone bool, uses []session.Use) (perUse float64, err error) {
		use := &meter{postgres: c.conn, server: os.Getpid()}
		err = use.during(ctx, func() error {
			if !alone {
				left, err := c.db.WriteUses(ctx, uses)
				if err == nil && len(left) > 0 {
					err = fmt.Errorf("%d uses were not written", len(left))
				}
				return err
			}
			for _, u := range uses {
				if _, err := c.db.TouchSession(ctx, u); err != nil {
					return err
				}
			}
			return nil
		})
		return (use.allCPU - 2*use.ownCPU).Seconds() / float64(len(uses)), err // this process is in it twice
	}
	var together []float64
	for start := time.Now(); time.Since(start) < m.duration || len(together) < 3; {
		took, err := each(false, second(usesOf/60))
		if err != nil {
			return err
		}
		together = append(together, took)
	}
	alone, err := each(true, second(usesAlone))
	if err != nil {
		return err
	}
	share := quantile(together, 0.5) * usesOf / 60
	t.atMost(usesAim, share, "last use of 1,000,000 active sessions, share of a core of PostgreSQL",
		"%.1f us each, of %d seconds, among %d sessions; written alone %.1f us, share %.2f",
		1e6*quantile(together, 0.5), len(together), m.active, 1e6*alone, alone*usesOf/60)
	return nil
}
