package app

import (
	"context"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/ratelimit"
)

// newLimiter counts in Redis where there is one, else in memory.
func newLimiter(parts Parts) (ratelimit.Limiter, error) {
	local := parts.Limits
	if local == nil {
		local = ratelimit.NewMemory(parts.Now)
		context.AfterFunc(parts.Context, local.Close)
	}
	if parts.Config.RedisURL == "" {
		return local, nil
	}
	keys := identity.Secrets(parts.Config.Secrets()).Keys("rate limit")
	return ratelimit.NewShared(parts.Context, parts.Config.RedisURL.Reveal(), keys, local, parts.Log)
}
