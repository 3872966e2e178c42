package app

import (
	"context"
	"time"
)

const (
	rewriteBatch = 500
	rewritePoll  = time.Minute
	rewritePause = 20 * time.Millisecond // between batches, for others
)

// rewriteAudit puts personal values of events behind keys that earlier releases wrote
// in plain, until ctx ends. Every replica runs it; a lock lets one work at a time.
func (a *App) rewriteAudit(ctx context.Context) {
	failing := false
	for {
		more, err := a.parts.DB.RewriteAudit(ctx, a.linking.HashesOfErased, a.parts.Now(), rewriteBatch)
		if err != nil && !failing && ctx.Err() == nil {
			a.parts.Log.Warn("could not put personal values of old audit events behind keys; will retry", "error", err)
		}
		failing = err != nil
		pause := rewritePoll
		if more && err == nil {
			pause = rewritePause
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}
