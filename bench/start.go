package main

import (
	"context"
	"path/filepath"
	"time"
)

const (
	starts   = 10
	startAim = 100 * time.Millisecond
)

// measureStart measures from the fork to the first 200 of /readyz, which asks
// the database too, on a schema that is up to date.
func measureStart(ctx context.Context, m *machine, t *table) error {
	defer m.stop()
	postgres, err := m.database(ctx)
	if err != nil {
		return err
	}
	for _, e := range []struct{ name, url string }{
		{"SQLite", "sqlite://" + filepath.Join(m.dir, "start.db")},
		{"PostgreSQL", postgres},
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
				took, cpu = append(took, wall.Seconds()/startAim.Seconds()), append(cpu, used.Seconds()/startAim.Seconds())
			}
			m.stop()
		}
		t.atMost(1, quantile(took, 0.5), "start to first healthy answer on "+e.name+" / 100 ms",
			"median of %d, from %.2f to %.2f; CPU time %.2f", starts, quantile(took, 0), quantile(took, 1), quantile(cpu, 0.5))
	}
	return nil
}
