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
		var took []float64
		for i := range starts + 1 {
			begun := time.Now()
			if _, err := m.service(ctx, m.binaries[0], e.url); err != nil {
				return err
			}
			if i > 0 { // the first migrated
				took = append(took, time.Since(begun).Seconds()/startAim.Seconds())
			}
			m.stop()
		}
		t.atMost(1, quantile(took, 0.5), "start to first healthy answer on "+e.name+" / 100 ms",
			"median of %d, from %.2f to %.2f", starts, quantile(took, 0), quantile(took, 1))
	}
	return nil
}
