package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/identity/background"
)

// sealEvery is how often events are added to their chains.
const sealEvery = time.Second

// seal chains events, until ctx ends. Every replica runs it; a lock lets one work
// at a time.
func seal(ctx context.Context, trail *audit.Service, every time.Duration, log *slog.Logger) {
	loop := background.Loop{Every: every, Failed: "could not chain audit events; will retry", Log: log}
	loop.Run(ctx, func(ctx context.Context) (bool, error) {
		_, err := trail.Seal(ctx)
		return false, err
	})
}
