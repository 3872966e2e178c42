package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	starts     = 10
	idleAim    = 40 << 20
	binaryAim  = 65 << 20
	idleSettle = 3 * time.Second
)

// measureStart measures from the fork to the first 200 of /readyz, which asks
// the database too, on a schema that is up to date, and what the service takes at rest.
func measureStart(ctx context.Context, m *machine, t *table) error {
	defer m.stop()
	postgres, err := m.database(ctx)
	if err != nil {
		return err
	}
	for _, e := range []struct {
		name, url string
		aim       time.Duration
	}{
		{"SQLite", "sqlite://" + filepath.Join(m.dir, "start.db"), 40 * time.Millisecond},
		{"PostgreSQL", postgres, 60 * time.Millisecond},
	} {
		var took, cpu []float64
		for i := range starts + 1 {
			begun := time.Now()
			c, err := m.service(ctx, m.binaries[0], e.url)
			if err != nil {
				return err
			}
			wall := time.Since(begun)
			if i > 0 { // the first migrated
				used, _ := cpuTime(c.pid())
				took, cpu = append(took, wall.Seconds()/e.aim.Seconds()), append(cpu, used.Seconds()/e.aim.Seconds())
			}
			m.stop()
		}
		t.atMost(1, quantile(took, 0.5), fmt.Sprintf("start to first healthy answer on %s / %v", e.name, e.aim),
			"median of %d, from %.2f to %.2f; CPU time %.2f", starts, quantile(took, 0), quantile(took, 1), quantile(cpu, 0.5))
	}
	return measureFootprint(ctx, m, t, postgres)
}

// measureFootprint looks at a service at rest, and at the binary.
func measureFootprint(ctx context.Context, m *machine, t *table, url string) error {
	c, err := m.service(ctx, m.binaries[0], url)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(idleSettle):
	}
	now, _, err := resident(c.pid())
	if err != nil {
		return err
	}
	t.atMost(1, ratio(now, idleAim), "resident memory at rest / 40 MB", "%s, %v after the start", mib(now), idleSettle)
	info, err := os.Stat(m.binaries[0])
	if err != nil {
		return err
	}
	t.atMost(1, ratio(info.Size(), binaryAim), "size of the binary / 65 MB", "%s", mib(info.Size()))
	return nil
}
