package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/latchkey/latchkey/identity/audit"
)

// sealEvery is how long an event that belongs to no team may stay out of its
// chain.
const sealEvery = time.Second

// seal chains what was written without a chain, until ctx ends. Every replica
// does it; one at a time works.
func seal(ctx context.Context, trail *audit.Service, every time.Duration, log *slog.Logger) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	failing := false
	for {
		_, err := trail.Seal(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			log.Warn("audit events cannot be chained; trying on", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
