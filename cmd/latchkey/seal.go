package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/latchkey/latchkey/identity/audit"
)

// sealEvery is how often events are added to their chains.
const sealEvery = time.Second

// seal chains events, until ctx ends. Every replica runs it; a lock lets one work
// at a time.
func seal(ctx context.Context, trail *audit.Service, every time.Duration, log *slog.Logger) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	failing := false
	for {
		_, err := trail.Seal(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			log.Warn("could not chain audit events; will retry", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
